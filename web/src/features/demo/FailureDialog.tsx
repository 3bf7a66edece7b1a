import { useState } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { age } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import {
  announcement,
  changeFault,
  families,
  faultsQuery,
  followEffects,
  type Fault,
  type FaultAction,
} from './faults'
import styles from './FailureDialog.module.css'

const ABOUT =
  'Break something in the simulated cluster and watch how it shows, what is blamed for it, and how it recovers.'

/** The faults of the demo cluster: what each will do, which are active, and a button to make or end each. */
export function FailureDialog({ cluster, onClose }: { cluster: string; onClose: () => void }) {
  const faults = useQuery(faultsQuery())
  const queries = useQueryClient()
  const [text, setText] = useState('')
  const [said, setSaid] = useState('')
  const change = useMutation({
    mutationFn: ({ action, fault }: { action: FaultAction; fault: Fault }) => changeFault(action, fault.name),
    onSuccess: (_, { action, fault }) => {
      setSaid(announcement(action, fault.title))
      followEffects(cluster, queries)
    },
    onSettled: () => queries.invalidateQueries({ queryKey: faultsQuery().queryKey }),
  })
  const shown = families(faults.data?.items ?? [], text)
  return (
    <Modal open onClose={onClose} title="Try a failure" description={ABOUT} width={720}>
      <TextField
        label="Find a failure"
        placeholder="memory, image, network…"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <p className={styles.said} role="status">
        {said}
      </p>
      {change.isError && <ErrorNotice error={change.error} title="The failure could not be changed" />}
      {faults.isPending && <SkeletonRows count={6} />}
      {faults.isError && (
        <ErrorNotice
          error={faults.error}
          title={faults.data ? 'The list could not be read again; below is the last answer' : undefined}
          onRetry={() => void faults.refetch()}
        />
      )}
      {faults.data && shown.length === 0 && <EmptyState title="No failure matches" />}
      {shown.map((family) => (
        <section key={family.name} className={styles.family}>
          <h3 className={styles.heading}>{family.name}</h3>
          <ul>
            {family.faults.map((fault) => (
              <FaultItem
                key={fault.name}
                fault={fault}
                busy={change.isPending && change.variables.fault.name === fault.name}
                onChange={(action) => change.mutate({ action, fault })}
              />
            ))}
          </ul>
        </section>
      ))}
    </Modal>
  )
}

interface FaultItemProps {
  fault: Fault
  busy: boolean
  onChange: (action: FaultAction) => void
}

function FaultItem({ fault, busy, onChange }: FaultItemProps) {
  const action = fault.active ? 'heal' : 'inject'
  return (
    <li className={styles.fault}>
      <div className={styles.what}>
        <p className={styles.title}>{fault.title}</p>
        <p className={styles.effects}>{fault.symptoms.join('; ')}</p>
      </div>
      {fault.active && (
        <StatusWord level="warn" word={fault.since ? `active ${age(fault.since, Date.now())}` : 'active'} />
      )}
      {/* Disabled only for the pointer's sake: a button that loses its focus would throw the keyboard back to the start. */}
      <Button
        className={styles.act}
        aria-label={`${fault.active ? 'Heal' : 'Inject'}: ${fault.title}`}
        aria-disabled={busy}
        onClick={() => !busy && onChange(action)}
      >
        {busy ? 'Wait…' : fault.active ? 'Heal' : 'Inject'}
      </Button>
    </li>
  )
}
