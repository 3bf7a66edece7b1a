import { useNavigate } from '@tanstack/react-router'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useMay } from '../../api/roles'
import type { Me } from '../../api/types'
import { Menu, MenuItem, MenuLabel, MenuSeparator } from '../../ui/Menu'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { peopleQuery, switchTo, type Person } from './people'
import styles from './AccountMenu.module.css'

/** Who is signed in, and the other people whose links were opened on this browser. */
export function AccountMenu({ me }: { me: Me }) {
  // Where no local gateway answers there is nobody to switch to, and the menu says so.
  const people = useQuery(peopleQuery()).data?.items ?? []
  const mayManage = useMay('users:write')
  const navigate = useNavigate()
  const change = useMutation({
    mutationFn: (person: Person) => switchTo(person),
    // A new page: nothing that was read as somebody else stays on it.
    onSuccess: () => location.assign('/'),
  })
  const tenants = new Set(people.map(({ tenant }) => tenant))
  return (
    <>
      <Menu
        align="end"
        trigger={
          <button
            type="button"
            className={styles.user}
            title={`${me.name}, ${me.role} of tenant ${me.tenant}`}
          >
            <span className={styles.avatar} aria-hidden="true">
              {me.user.slice(0, 1).toUpperCase()}
            </span>
            <span className={styles.userText}>
              {me.user}
              <span className={styles.role}>{me.role}</span>
            </span>
          </button>
        }
      >
        <MenuLabel>
          {me.name}, {me.role} of tenant {me.tenant}
        </MenuLabel>
        {people.map((person) => (
          <MenuItem
            key={`${person.tenant}/${person.user}`}
            checked={person.present}
            onSelect={() => !person.present && change.mutate(person)}
          >
            <span>{person.user}</span>
            <span className={styles.role}>
              {person.role}
              {tenants.size > 1 && ` of ${person.tenant}`}
            </span>
          </MenuItem>
        ))}
        {people.length < 2 && (
          <p className={styles.hint}>
            To try another role, open a person’s sign-in link in this browser: <code>make user</code> prints
            one
            {mayManage && ', and so does the page of users'}.
          </p>
        )}
        {mayManage && (
          <>
            <MenuSeparator />
            <MenuItem onSelect={() => void navigate({ to: '/users' })}>Users</MenuItem>
          </>
        )}
      </Menu>
      {change.isError && (
        <Modal open onClose={change.reset} title="You are still the same person" width={460}>
          <ErrorNotice error={change.error} />
        </Modal>
      )}
    </>
  )
}
