import { useState, type FormEvent, type ReactNode } from 'react'
import type { Confirmation } from '../../api/changeCommands'
import type { Requirement } from '../../api/types'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { SwitchField } from '../../ui/SwitchField'
import styles from './Dialogs.module.css'

interface ConfirmDialogProps {
  title: string
  description?: string
  requirement: Requirement
  /** What it does, so that it is read where it is confirmed. */
  children: ReactNode
  pending: boolean
  error: unknown
  onConfirm: (given: Confirmation) => void
  onClose: () => void
}

/** A yes as strong as is asked for: a click, a click after the impact was read, or the object's name typed out. */
export function ConfirmDialog({ title, description, requirement, children, ...rest }: ConfirmDialogProps) {
  const { method, phrase } = requirement
  const [read, setRead] = useState(false)
  const [typed, setTyped] = useState('')
  const ready = method === 'simple' || (method === 'impact' ? read : typed === phrase)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (ready) {
      rest.onConfirm({ method, phrase: method === 'typed' ? typed : '' })
    }
  }
  return (
    <Modal open onClose={rest.onClose} title={title} description={description} width={520}>
      <form className={styles.form} onSubmit={submit}>
        {children}
        {method === 'impact' && (
          <SwitchField label="I have read what it affects" checked={read} onChange={setRead} />
        )}
        {method === 'typed' && (
          <TextField
            label={`Type ${phrase} to confirm`}
            value={typed}
            autoComplete="off"
            spellCheck={false}
            autoFocus
            onChange={(event) => setTyped(event.target.value)}
          />
        )}
        {rest.error !== null && <ErrorNotice error={rest.error} />}
        <div className={styles.actions}>
          <Button onClick={rest.onClose}>Not now</Button>
          <Button
            type="submit"
            tone={method === 'typed' ? 'danger' : 'primary'}
            disabled={!ready || rest.pending}
          >
            {rest.pending ? 'Approving…' : 'Approve'}
          </Button>
        </div>
      </form>
    </Modal>
  )
}

/** Something that is closed with a word why. */
export function NoteDialog({
  title,
  verb,
  pending,
  error,
  onSend,
  onClose,
}: {
  title: string
  verb: string
  pending: boolean
  error: unknown
  onSend: (note: string) => void
  onClose: () => void
}) {
  const [note, setNote] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSend(note.trim())
  }
  return (
    <Modal open onClose={onClose} title={title} width={460}>
      <form className={styles.form} onSubmit={submit}>
        <TextField
          label="Note (optional)"
          hint="Kept with the change."
          value={note}
          maxLength={2000}
          autoFocus
          onChange={(event) => setNote(event.target.value)}
        />
        {error !== null && <ErrorNotice error={error} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>Keep it</Button>
          <Button type="submit" tone="danger" disabled={pending}>
            {verb}
          </Button>
        </div>
      </form>
    </Modal>
  )
}
