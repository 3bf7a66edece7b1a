import { useState } from 'react'
import { useNavigate } from '@tanstack/react-router'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import {
  archiveInvestigation,
  cancelInvestigation,
  removeInvestigation,
  restoreInvestigation,
} from '../../api/commands'
import { investigationQuery, isRunning } from '../../api/queries'
import type { Investigation } from '../../api/types'
import { Button } from '../../ui/Button'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { useStartInvestigation } from './InvestigateButton'
import styles from './Form.module.css'

/** Cancel while it runs; afterwards run again, put aside, bring back, delete. */
export function Actions({ one }: { one: Investigation }) {
  const queries = useQueryClient()
  const [asking, setAsking] = useState(false)
  const again = useStartInvestigation()
  const change = useMutation({
    mutationFn: (command: (id: string) => Promise<unknown>) => command(one.id),
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: investigationQuery(one.id).queryKey })
      await queries.invalidateQueries({ queryKey: ['investigations'] })
    },
  })
  const failed = change.isError ? change : again.isError ? again : null
  return (
    <div className={styles.choices}>
      {isRunning(one) ? (
        <Button icon="stop" disabled={change.isPending} onClick={() => change.mutate(cancelInvestigation)}>
          {change.isPending ? 'Cancelling…' : 'Cancel'}
        </Button>
      ) : (
        <>
          <Button icon="refresh" disabled={again.isPending} onClick={() => again.mutate(sameQuestion(one))}>
            Investigate again
          </Button>
          <Button
            icon="archive"
            disabled={change.isPending}
            onClick={() =>
              change.mutate(one.status === 'archived' ? restoreInvestigation : archiveInvestigation)
            }
          >
            {one.status === 'archived' ? 'Restore' : 'Archive'}
          </Button>
          <Button icon="trash" onClick={() => setAsking(true)}>
            Delete
          </Button>
        </>
      )}
      {failed && (
        <Modal open onClose={failed.reset} title="That did not work" width={460}>
          <ErrorNotice error={failed.error} />
        </Modal>
      )}
      {asking && <DeleteDialog one={one} onClose={() => setAsking(false)} />}
    </div>
  )
}

const sameQuestion = ({ cluster, question, namespace, target }: Investigation) => ({
  cluster,
  question,
  namespace,
  target: target && { kind: target.kind, name: target.name, namespace: target.namespace ?? '' },
})

function DeleteDialog({ one, onClose }: { one: Investigation; onClose: () => void }) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const remove = useMutation({
    mutationFn: () => removeInvestigation(one.id),
    onSuccess: async () => {
      await navigate({ to: '/investigations', search: { cluster: one.cluster } })
      queries.removeQueries({ queryKey: investigationQuery(one.id).queryKey })
      await queries.invalidateQueries({ queryKey: ['investigations'] })
    },
  })
  return (
    <Modal
      open
      onClose={onClose}
      title="Delete this investigation?"
      description="Its steps, its report and the links that share it are gone for good. The audit log still says that it was made. To only put it out of the way, archive it."
      width={460}
    >
      {remove.isError && <ErrorNotice error={remove.error} />}
      <div className={styles.actions}>
        <Button onClick={onClose}>Keep it</Button>
        <Button tone="danger" disabled={remove.isPending} onClick={() => remove.mutate()}>
          Delete
        </Button>
      </div>
    </Modal>
  )
}
