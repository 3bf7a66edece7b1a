import { useState, type FormEvent } from 'react'
import type { Policies } from '../../api/types'
import { Button } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { usePutPolicies } from './policies'
import { words } from './policyForm'
import styles from './Governance.module.css'

/** The words by which production is told from the rest. What neither says counts as production. */
export function EnvironmentsCard({ found, mayEdit }: { found: Policies; mayEdit: boolean }) {
  const [editing, setEditing] = useState(false)
  const { production = [], other = [] } = found.environments
  return (
    <Card
      title="What production is called here"
      aside={
        mayEdit && (
          <Button tone="quiet" icon="edit" onClick={() => setEditing(true)}>
            Edit
          </Button>
        )
      }
    >
      <p>Production: {production.join(', ') || 'no word'}</p>
      <p className={styles.quiet}>Not production: {other.join(', ') || 'no word'}</p>
      <p className={styles.small}>
        Looked for in labels of namespaces, then in names. Where nothing is said, it counts as production.
      </p>
      {editing && <EnvironmentsDialog found={found} onClose={() => setEditing(false)} />}
    </Card>
  )
}

function EnvironmentsDialog({ found, onClose }: { found: Policies; onClose: () => void }) {
  const [production, setProduction] = useState((found.environments.production ?? []).join(', '))
  const [other, setOther] = useState((found.environments.other ?? []).join(', '))
  const put = usePutPolicies(found, onClose)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    put.mutate({ environments: { production: words(production), other: words(other) } })
  }
  return (
    <Modal open onClose={onClose} title="What production is called here">
      <form className={styles.form} onSubmit={submit}>
        <TextField
          label="Production"
          hint="Words, separated by commas."
          value={production}
          onChange={(event) => setProduction(event.target.value)}
        />
        <TextField
          label="Not production"
          hint="Changes there need less: add only words that are true."
          value={other}
          onChange={(event) => setOther(event.target.value)}
        />
        {put.isError && <ErrorNotice error={put.error} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={put.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Modal>
  )
}
