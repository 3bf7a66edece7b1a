import { useState } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import {
  approveChange,
  cancelChange,
  rejectChange,
  undoChange,
  type Confirmation,
} from '../../api/changeCommands'
import { changeQuery } from '../../api/changeQueries'
import { useMay } from '../../api/roles'
import type { Change, Me } from '../../api/types'
import { useNavigate } from '@tanstack/react-router'
import { clockTime } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { StatusShape } from '../../ui/Status'
import { useAskForChange } from './ActionDialog'
import { ConfirmDialog, NoteDialog } from './ConfirmDialog'
import { Impact } from './Impact'
import { mayCancel, mayUndo, METHOD_WORDS, overridable, phrase, whyNotApprove } from './words'
import styles from './DecisionCard.module.css'

/** Runs a command on a change and shows what it answered at once. */
function useChangeCommand<A>(id: string, command: (argument: A) => Promise<Change>, onDone: () => void) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: command,
    onSuccess: (change) => {
      queries.setQueryData(changeQuery(id).queryKey, change)
      onDone()
    },
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: changeQuery(id).queryKey })
      await queries.invalidateQueries({ queryKey: ['changes'] })
    },
  })
}

/** What a yes takes, who has said it, and the buttons that this person may press. */
export function DecisionCard({ change, me }: { change: Change; me: Me }) {
  const [dialog, setDialog] = useState<'approve' | 'reject' | 'cancel' | null>(null)
  const close = () => setDialog(null)
  const approve = useChangeCommand(change.id, (given: Confirmation) => approveChange(change.id, given), close)
  const reject = useChangeCommand(change.id, (note: string) => rejectChange(change.id, note), close)
  const cancel = useChangeCommand(change.id, (note: string) => cancelChange(change.id, note), close)
  const { requirement } = change.decision
  const pending = change.status === 'pending'
  const ownStep = change.playbook !== ''
  const blocked = whyNotApprove(
    { ...change, requirement, approvers: change.approvals.map(({ user }) => user) },
    me,
  )
  const mayReject = pending && !ownStep && me.permissions.includes('changes:approve')
  const offersCancel = !ownStep && mayCancel(change, me)
  return (
    <Card title="Decision">
      <div className={styles.decision}>
        <Needs change={change} />
        {change.approvals.length > 0 && <Approvals change={change} />}
        {pending && ownStep && (
          <p className={styles.why}>A step of a playbook: the whole run is approved at once.</p>
        )}
        {pending && !ownStep && blocked && (
          <p className={styles.why}>
            <StatusShape level="info" />
            <span>{blocked}</span>
          </p>
        )}
        <div className={styles.buttons}>
          {pending && !ownStep && !blocked && (
            <Button tone="primary" icon="check" onClick={() => setDialog('approve')}>
              Approve…
            </Button>
          )}
          {mayReject && (
            <Button icon="close" onClick={() => setDialog('reject')}>
              Reject…
            </Button>
          )}
          {offersCancel && (
            <Button tone="quiet" onClick={() => setDialog('cancel')}>
              Take it back…
            </Button>
          )}
          <UndoButton change={change} me={me} />
        </div>
      </div>
      {dialog === 'approve' && (
        <ConfirmDialog
          title={change.summary}
          requirement={requirement}
          pending={approve.isPending}
          error={approve.error}
          onConfirm={(given) => approve.mutate(given)}
          onClose={close}
        >
          <Impact change={change} />
        </ConfirmDialog>
      )}
      {dialog === 'reject' && (
        <NoteDialog
          title="Reject this change?"
          verb="Reject"
          pending={reject.isPending}
          error={reject.error}
          onSend={(note) => reject.mutate(note)}
          onClose={close}
        />
      )}
      {dialog === 'cancel' && (
        <NoteDialog
          title="Take this request back?"
          verb="Take it back"
          pending={cancel.isPending}
          error={cancel.error}
          onSend={(note) => cancel.mutate(note)}
          onClose={close}
        />
      )}
    </Card>
  )
}

function Needs({ change }: { change: Change }) {
  const { requirement } = change.decision
  return (
    <div>
      <p className={styles.method}>{METHOD_WORDS[requirement.method]}</p>
      <ul className={styles.reasons}>
        {requirement.method === 'typed' && (
          <li>
            What is typed: <code>{requirement.phrase}</code>
          </li>
        )}
        {requirement.admin && <li>Of an administrator</li>}
        {requirement.second_person && <li>Of a second person, not of who asked</li>}
        {requirement.reasons.map((reason) => (
          <li key={reason}>Because {reason}</li>
        ))}
        {change.overrides.map((name) => (
          <li key={name}>Accepted beforehand: {phrase(name)}</li>
        ))}
      </ul>
    </div>
  )
}

function Approvals({ change }: { change: Change }) {
  return (
    <ul className={styles.approvals} aria-label="Approvals">
      {change.approvals.map((given) => (
        <li key={`${given.user}/${given.at}`}>
          <StatusShape level="ok" />
          <span>
            {given.user}
            {given.standing && ' by a standing approval'}
            <span className={styles.when}>
              {clockTime(given.at)}, {METHOD_WORDS[given.method].toLowerCase()}
            </span>
          </span>
        </li>
      ))}
    </ul>
  )
}

function UndoButton({ change, me }: { change: Change; me: Me }) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const undo = useMutation({
    mutationFn: () => undoChange(change.id),
    onSuccess: async ({ id, cluster }) => {
      void queries.invalidateQueries({ queryKey: ['changes'] })
      await navigate({ to: '/c/$cluster/changes/$change', params: { cluster, change: id } })
    },
  })
  if (!mayUndo(change, me)) {
    return null
  }
  return (
    <>
      <Button
        icon="history"
        title="Asks for the change that puts things back; it is previewed and approved like any other"
        disabled={undo.isPending}
        onClick={() => undo.mutate()}
      >
        {undo.isPending ? 'Making the preview…' : 'Undo'}
      </Button>
      {undo.isError && (
        <Modal open onClose={undo.reset} title="It cannot be undone" width={460}>
          <ErrorNotice error={undo.error} />
        </Modal>
      )}
    </>
  )
}

/** Which rules a refused change breaks, what to do about each, and whether an objection may be accepted. */
export function RefusedCard({ change }: { change: Change }) {
  const mayAsk = useMay('changes:write')
  const ask = useAskForChange()
  const accepted = overridable(change)
  const again = () =>
    ask.mutate({
      cluster: change.cluster,
      action: change.action,
      arguments: change.arguments,
      reason: change.reason,
      evidence: change.evidence,
      symptom: change.symptom,
      overrides: [...new Set([...change.overrides, ...accepted])],
    })
  return (
    <Card title="Why it is refused">
      <ul className={styles.violations}>
        {change.decision.violations.map((violation, index) => (
          <li key={`${violation.rule}/${index}`}>
            <StatusShape level="crit" size={14} />
            <div>
              <p>{violation.text}</p>
              <p className={styles.remedy}>{violation.remedy}</p>
              <p className={styles.rule}>{phrase(violation.rule)}</p>
            </div>
          </li>
        ))}
      </ul>
      {mayAsk && accepted.length > 0 && (
        <div className={styles.again}>
          <Button disabled={ask.isPending} onClick={again}>
            Ask again, accepting: {accepted.map(phrase).join(', ')}
          </Button>
          <span className={styles.remedy}>It then needs a typed confirmation.</span>
        </div>
      )}
      {ask.isError && <ErrorNotice error={ask.error} />}
    </Card>
  )
}
