import { useState, type FormEvent } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { approveSchedule, enableSchedule, proposeSchedule, removeSchedule } from '../../api/changeCommands'
import { schedulesQuery } from '../../api/changeQueries'
import { clustersQuery } from '../../api/queries'
import { useMay } from '../../api/roles'
import type { Schedule, TimeWindow } from '../../api/types'
import { Button, IconButton } from '../../ui/Button'
import { SelectField, TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import { Table } from '../../ui/Table'
import dialogs from '../changes/Dialogs.module.css'
import { Words } from '../governance/PolicyDialog'
import { windowWords } from '../governance/policyForm'
import { WindowFields } from '../governance/WindowFields'
import { scheduleStanding } from './schedule'
import styles from './PlaybooksPage.module.css'

/** Hours outside which development namespaces sleep. */
export function Schedules() {
  const queries = useQueryClient()
  const found = useQuery(schedulesQuery())
  const clusters = useQuery(clustersQuery()).data?.items ?? []
  const mayPropose = useMay('changes:write')
  const mayPause = useMay('changes:approve')
  const maySign = useMay('changes:approve_high')
  const [dialog, setDialog] = useState<'propose' | { sign: Schedule } | { remove: Schedule } | null>(null)
  const pause = useMutation({
    mutationFn: (one: Schedule) => enableSchedule(one.id, !one.enabled),
    onSettled: () => queries.invalidateQueries({ queryKey: schedulesQuery().queryKey }),
  })
  const items = found.data?.items
  const close = () => setDialog(null)
  return (
    <div className={styles.tab}>
      <div className={styles.bar}>
        <p className={styles.quiet}>
          Outside their hours, namespaces are scaled to zero and their CronJobs suspended; they are woken as
          they were.
        </p>
        {mayPropose && (
          <Button icon="plus" onClick={() => setDialog('propose')}>
            Propose a schedule
          </Button>
        )}
      </div>
      {found.isError && <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />}
      {pause.isError && <ErrorNotice error={pause.error} />}
      {found.isPending && <SkeletonRows label="Loading schedules" />}
      {items?.length === 0 && <EmptyState title="No schedule yet" />}
      {items && items.length > 0 && (
        <div className={styles.table}>
          <Table
            label="Schedules"
            rows={items}
            rowKey={(one) => one.id}
            columns={[
              {
                key: 'state',
                title: 'State',
                cell: (one) => <StatusWord {...scheduleStanding(one)} title={one.last_error} />,
              },
              {
                key: 'name',
                title: 'Name',
                cell: (one) => (
                  <span>
                    {one.name}
                    {one.last_error && <span className={styles.small}> {one.last_error}</span>}
                  </span>
                ),
              },
              {
                key: 'where',
                title: 'Namespaces',
                cell: (one) =>
                  `${one.namespaces.join(', ')} of ${clusters.find(({ id }) => id === one.cluster)?.name ?? one.cluster}`,
              },
              { key: 'awake', title: 'Awake', cell: (one) => windowWords(one.awake as TimeWindow) },
              { key: 'but', title: 'But not', cell: (one) => one.exclude.join(', ') },
              {
                key: 'by',
                title: 'Signed by',
                cell: (one) => one.signed_by || `proposed by ${one.created_by}`,
              },
              {
                key: 'do',
                title: 'Actions',
                cell: (one) => (
                  <span className={styles.buttons}>
                    {maySign && !one.in_force && (
                      <Button aria-label={`Approve ${one.name}`} onClick={() => setDialog({ sign: one })}>
                        Approve…
                      </Button>
                    )}
                    {mayPause && one.in_force && (
                      <Button
                        aria-label={`${one.enabled ? 'Pause' : 'Resume'} ${one.name}`}
                        disabled={pause.isPending}
                        onClick={() => pause.mutate(one)}
                      >
                        {one.enabled ? 'Pause' : 'Resume'}
                      </Button>
                    )}
                    {mayPause && (
                      <IconButton
                        icon="trash"
                        label={`Remove ${one.name}`}
                        onClick={() => setDialog({ remove: one })}
                      />
                    )}
                  </span>
                ),
              },
            ]}
          />
        </div>
      )}
      {dialog === 'propose' && <ProposeDialog onClose={close} />}
      {dialog !== null && dialog !== 'propose' && 'sign' in dialog && (
        <SignDialog schedule={dialog.sign} onClose={close} />
      )}
      {dialog !== null && dialog !== 'propose' && 'remove' in dialog && (
        <RemoveDialog schedule={dialog.remove} onClose={close} />
      )}
    </div>
  )
}

const OFFICE: TimeWindow = {
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  start: '08:00',
  end: '18:00',
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
}

function ProposeDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const clusters = (useQuery(clustersQuery()).data?.items ?? []).filter(({ source }) => source !== 'recorded')
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState('')
  const [namespaces, setNamespaces] = useState<string[]>([])
  const [exclude, setExclude] = useState<string[]>([])
  const [awake, setAwake] = useState(OFFICE)
  const cluster = chosen || (clusters[0]?.id ?? '')
  const propose = useMutation({
    mutationFn: () => proposeSchedule({ cluster, name: name.trim(), namespaces, exclude, awake }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: schedulesQuery().queryKey })
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    propose.mutate()
  }
  return (
    <Modal
      open
      onClose={onClose}
      title="Propose a schedule"
      description="It is in force only after an administrator has approved it."
    >
      <form className={dialogs.form} onSubmit={submit}>
        <div className={dialogs.pair}>
          <TextField
            label="Name"
            required
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <SelectField label="Cluster" value={cluster} onChange={(event) => setChosen(event.target.value)}>
            {clusters.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </SelectField>
          <Words
            label="Namespaces"
            placeholder="dev, staging"
            required
            values={[]}
            onChange={setNamespaces}
          />
          <Words
            label="But not (optional)"
            placeholder="names of workloads"
            values={[]}
            onChange={setExclude}
          />
        </div>
        <WindowFields legend="Awake" window={awake} onChange={setAwake} />
        {propose.isError && <ErrorNotice error={propose.error} />}
        <div className={dialogs.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={propose.isPending || !cluster}>
            Propose
          </Button>
        </div>
      </form>
    </Modal>
  )
}

function SignDialog({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const queries = useQueryClient()
  const [typed, setTyped] = useState('')
  const sign = useMutation({
    mutationFn: () => approveSchedule(schedule.id, typed),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: schedulesQuery().queryKey })
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    sign.mutate()
  }
  return (
    <Modal
      open
      onClose={onClose}
      title={`Approve ${schedule.name}`}
      description="It counts as your approval of each shut-down and wake-up of these namespaces from now on."
      width={460}
    >
      <form className={dialogs.form} onSubmit={submit}>
        <p>
          {schedule.namespaces.join(', ')}: awake {windowWords(schedule.awake as TimeWindow)}
        </p>
        <TextField
          label={`Type ${schedule.name} to confirm`}
          value={typed}
          autoComplete="off"
          autoFocus
          onChange={(event) => setTyped(event.target.value)}
        />
        {sign.isError && <ErrorNotice error={sign.error} />}
        <div className={dialogs.actions}>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" tone="danger" disabled={sign.isPending || typed !== schedule.name}>
            Approve
          </Button>
        </div>
      </form>
    </Modal>
  )
}

function RemoveDialog({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const queries = useQueryClient()
  const remove = useMutation({
    mutationFn: () => removeSchedule(schedule.id),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: schedulesQuery().queryKey })
      onClose()
    },
  })
  return (
    <Modal
      open
      onClose={onClose}
      title={`Remove ${schedule.name}?`}
      description="What sleeps now stays asleep: wake it with the playbook that wakes a namespace up."
      width={460}
    >
      {remove.isError && <ErrorNotice error={remove.error} />}
      <div className={dialogs.actions}>
        <Button onClick={onClose}>Keep it</Button>
        <Button tone="danger" disabled={remove.isPending} onClick={() => remove.mutate()}>
          Remove
        </Button>
      </div>
    </Modal>
  )
}
