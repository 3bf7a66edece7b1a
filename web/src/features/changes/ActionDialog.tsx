import { useMemo, useState, type FormEvent } from 'react'
import { useNavigate } from '@tanstack/react-router'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { askForChange } from '../../api/changeCommands'
import { actionsQuery } from '../../api/changeQueries'
import { clustersQuery } from '../../api/queries'
import type { Action, NewChange, ResourceRef } from '../../api/types'
import { Button } from '../../ui/Button'
import { SelectField, TextArea } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { ProductionChip } from '../clusters/ClusterSwitcher'
import { fieldsOf, filled, type FormField } from './schemaForm'
import { SchemaFields } from './SchemaFields'
import styles from './Dialogs.module.css'

/** As many as the API takes. */
const MOST_EVIDENCE = 50

/** What speaks for a change, where something on the page does. */
export interface Cause {
  reason: string
  evidence: string[]
  /** Id of the problem that the change shall end; it is looked for again afterwards. */
  symptom?: string
}

interface ActionDialogProps {
  cluster: string
  /** Chosen beforehand, or here. */
  action?: Action
  /** The object that it is about, where that is known. */
  resource?: ResourceRef
  cause?: Cause
  onClose: () => void
}

/** Asks for a change, and opens its page when there is one. */
export function useAskForChange() {
  const queries = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: (asked: Partial<NewChange>) => askForChange(asked),
    onSuccess: async (change) => {
      void queries.invalidateQueries({ queryKey: ['changes'] })
      await navigate({
        to: '/c/$cluster/changes/$change',
        params: { cluster: change.cluster, change: change.id },
      })
    },
  })
}

/** The arguments of an action, and why it is asked for. Sending makes a preview; nothing is changed by it. */
export function ActionDialog({ cluster, action, resource, cause, onClose }: ActionDialogProps) {
  const actions = useQuery(actionsQuery())
  const clusters = useQuery(clustersQuery()).data?.items ?? []
  const [chosenCluster, setChosenCluster] = useState(cluster)
  const [chosenAction, setChosenAction] = useState(action?.name ?? '')
  const [reason, setReason] = useState(cause?.reason ?? '')
  const [typed, setTyped] = useState<Record<string, string>>({})
  const [tried, setTried] = useState(false)
  const ask = useAskForChange()
  const items = actions.data?.items ?? []
  const present = action ?? items.find(({ name }) => name === chosenAction)
  const known = useMemo(() => (resource ? aboutOf(resource) : {}), [resource])
  const fields = useMemo(() => (present ? fieldsOf(present.arguments) : []), [present])
  const asked = fields.filter(({ name }) => !(name in known))
  const values = { ...startsOf(fields), ...typed, ...known }
  const result = filled(fields, values)
  const where = clusters.find(({ id }) => id === chosenCluster)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (!present || Object.keys(result.errors).length > 0) {
      return
    }
    const { evidence = [], symptom = '' } = cause ?? {}
    ask.mutate(
      {
        cluster: chosenCluster,
        action: present.name,
        arguments: result.values,
        reason: reason.trim(),
        evidence: evidence.slice(0, MOST_EVIDENCE),
        symptom,
      },
      { onSuccess: onClose },
    )
  }
  return (
    <Modal
      open
      onClose={onClose}
      title={action?.title ?? 'Ask for a change'}
      description={
        present?.description ?? 'Choose what to change. Asking makes a preview and changes nothing.'
      }
    >
      <form className={styles.form} onSubmit={submit} noValidate>
        <p className={styles.target}>
          {resource && <span className="mono">{objectName(resource)}</span>}
          {(action || resource) && where && <span>in {where.name}</span>}
          {where?.production && <ProductionChip />}
        </p>
        {!action && (
          <div className={styles.pair}>
            <SelectField
              label="Cluster"
              value={chosenCluster}
              onChange={(event) => setChosenCluster(event.target.value)}
            >
              {clusters.map((one) => (
                <option key={one.id} value={one.id} disabled={one.source === 'recorded'}>
                  {one.source === 'recorded' ? `${one.name} (a recording)` : one.name}
                </option>
              ))}
            </SelectField>
            <SelectField
              label="Action"
              value={chosenAction}
              onChange={(event) => {
                setChosenAction(event.target.value)
                setTried(false)
              }}
            >
              <option value="">Choose…</option>
              {items.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.title}
                </option>
              ))}
            </SelectField>
          </div>
        )}
        {actions.isError && <ErrorNotice error={actions.error} onRetry={() => void actions.refetch()} />}
        <SchemaFields
          fields={asked}
          values={values}
          errors={tried ? result.errors : {}}
          onChange={(name, value) => setTyped((before) => ({ ...before, [name]: value }))}
        />
        <TextArea
          label="Why"
          hint="Kept with the change and in the audit log."
          className={styles.reason}
          rows={2}
          maxLength={2000}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        {ask.isError && <ErrorNotice error={ask.error} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={ask.isPending || !present}>
            {ask.isPending ? 'Making the preview…' : 'Preview'}
          </Button>
        </div>
      </form>
    </Modal>
  )
}

function aboutOf({ kind, namespace, name }: ResourceRef): Record<string, string> {
  return { kind, name, ...(namespace ? { namespace } : {}) }
}

function startsOf(fields: FormField[]): Record<string, string> {
  return Object.fromEntries(fields.map(({ name, start }) => [name, start]))
}

function objectName({ kind, namespace, name }: ResourceRef): string {
  return `${kind} ${namespace ? `${namespace}/` : ''}${name}`
}
