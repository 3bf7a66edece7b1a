import { useState, type FormEvent } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { addUser, removeUser } from '../../api/changeCommands'
import { usersQuery } from '../../api/changeQueries'
import { meQuery } from '../../api/queries'
import { useMay } from '../../api/roles'
import type { CreatedUser, Role, User } from '../../api/types'
import { Button, IconButton } from '../../ui/Button'
import { CopyCommand } from '../../ui/CopyCommand'
import { SelectField, TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { Table } from '../../ui/Table'
import form from '../changes/Dialogs.module.css'
import { signInLink } from './people'
import styles from './UsersPage.module.css'

const ROLES: [Role, string][] = [
  ['viewer', 'Viewer: reads and asks'],
  ['operator', 'Operator: also asks for changes and approves them'],
  ['auditor', 'Auditor: reads, with the audit log'],
  ['admin', 'Administrator: everything, with users and policies'],
]

/** Who may use this installation, as whom. */
export function UsersPage() {
  const mayManage = useMay('users:write')
  const me = useQuery(meQuery()).data
  const found = useQuery({ ...usersQuery(), enabled: mayManage })
  const [dialog, setDialog] = useState<'add' | { remove: User } | { link: User } | null>(null)
  const close = () => setDialog(null)
  if (me && !mayManage) {
    return <EmptyState page title="Only an administrator can manage users" />
  }
  return (
    <div className={styles.page}>
      <PageHeader title="Users" facts={me && <span>of tenant {me.tenant}</span>}>
        {mayManage && (
          <Button tone="primary" icon="plus" onClick={() => setDialog('add')}>
            Add a user
          </Button>
        )}
      </PageHeader>
      {found.isError && <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <SkeletonRows label="Loading users" />}
      {found.data && (
        <div className={styles.table}>
          <Table
            label="Users"
            rows={found.data.items}
            rowKey={(user) => user.id}
            columns={[
              {
                key: 'name',
                title: 'Name',
                cell: (user) => (
                  <span>
                    {user.name}
                    {user.id === me?.user && <span className={styles.quiet}> (you)</span>}
                  </span>
                ),
              },
              { key: 'role', title: 'Role', cell: (user) => user.role },
              {
                key: 'do',
                title: 'Actions',
                cell: (user) => (
                  <span className={styles.buttons}>
                    <Button
                      icon="link"
                      aria-label={`A sign-in link for ${user.name}`}
                      onClick={() => setDialog({ link: user })}
                    >
                      Sign-in link
                    </Button>
                    {user.id !== me?.user && (
                      <IconButton
                        icon="trash"
                        label={`Remove ${user.name}`}
                        onClick={() => setDialog({ remove: user })}
                      />
                    )}
                  </span>
                ),
              },
            ]}
          />
        </div>
      )}
      {dialog === 'add' && <AddDialog onClose={close} />}
      {dialog !== null && dialog !== 'add' && 'remove' in dialog && (
        <RemoveDialog user={dialog.remove} onClose={close} />
      )}
      {dialog !== null && dialog !== 'add' && 'link' in dialog && (
        <LinkDialog user={dialog.link} onClose={close} />
      )}
    </div>
  )
}

function AddDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const add = useMutation({
    mutationFn: () => addUser(name.trim(), role),
    onSuccess: () => queries.invalidateQueries({ queryKey: usersQuery().queryKey }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate()
  }
  if (add.data) {
    return <Created user={add.data} onClose={onClose} />
  }
  return (
    <Modal open onClose={onClose} title="Add a user" width={460}>
      <form className={form.form} onSubmit={submit}>
        <TextField
          label="Name"
          hint="Letters, digits, and . _ @ - inside."
          required
          maxLength={60}
          pattern="[A-Za-z0-9][A-Za-z0-9._@\-]*"
          autoComplete="off"
          autoFocus
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <SelectField label="Role" value={role} onChange={(event) => setRole(event.target.value as Role)}>
          {ROLES.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </SelectField>
        {add.isError && <ErrorNotice error={add.error} />}
        <div className={form.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={add.isPending || !name.trim()}>
            Add
          </Button>
        </div>
      </form>
    </Modal>
  )
}

function Created({ user, onClose }: { user: CreatedUser; onClose: () => void }) {
  return (
    <Modal
      open
      onClose={onClose}
      title={`${user.name} was added`}
      description="Copy the token now: only a fingerprint of it is kept, so it cannot be shown again."
      width={520}
    >
      <div className={form.form}>
        <CopyCommand command={user.token} label="Copy the token" />
        <p className={styles.quiet}>
          It is for the API and MCP. For the browser make a sign-in link in the list of users.
        </p>
        <div className={form.actions}>
          <Button tone="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </div>
    </Modal>
  )
}

function LinkDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const make = useMutation({ mutationFn: () => signInLink(user.id) })
  return (
    <Modal
      open
      onClose={onClose}
      title={`Sign-in link for ${user.name}`}
      description="Whoever opens it on this machine is signed in as this user. It works once, within 15 minutes. The account menu then switches between the people of a browser."
      width={520}
    >
      <div className={form.form}>
        {make.data ? (
          <CopyCommand command={location.origin + make.data.path} label="Copy the link" />
        ) : (
          <Button icon="link" disabled={make.isPending} onClick={() => make.mutate()}>
            Make a link
          </Button>
        )}
        {make.isError && <ErrorNotice error={make.error} title="No link was made" />}
      </div>
    </Modal>
  )
}

function RemoveDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const queries = useQueryClient()
  const remove = useMutation({
    mutationFn: () => removeUser(user.id),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: usersQuery().queryKey })
      onClose()
    },
  })
  return (
    <Modal
      open
      onClose={onClose}
      title={`Remove ${user.name}?`}
      description="Their tokens and sessions end. What they did stays in the audit log."
      width={460}
    >
      {remove.isError && <ErrorNotice error={remove.error} />}
      <div className={form.actions}>
        <Button onClick={onClose}>Keep</Button>
        <Button tone="danger" disabled={remove.isPending} onClick={() => remove.mutate()}>
          Remove
        </Button>
      </div>
    </Modal>
  )
}
