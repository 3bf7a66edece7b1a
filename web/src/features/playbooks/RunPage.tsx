import { useState } from 'react'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { approveRun, cancelRun, rejectRun } from '../../api/changeCommands'
import { runQuery } from '../../api/changeQueries'
import { clustersQuery, meQuery } from '../../api/queries'
import type { Me, Run } from '../../api/types'
import { clockTime } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusShape, StatusWord } from '../../ui/Status'
import page from '../changes/ChangePage.module.css'
import { ConfirmDialog } from '../changes/ConfirmDialog'
import dialogs from '../changes/Dialogs.module.css'
import { BlastChip } from '../changes/Marks'
import { METHOD_WORDS, STANDING, whyNotApprove } from '../changes/words'
import { argumentsWords } from './PlaybooksPage'
import styles from './PlaybooksPage.module.css'

const route = getRouteApi('/c/$cluster/runs/$run')

/** One run: its steps, each a change of its own, and the one yes that it needs. */
export function RunPage() {
  const { run: id } = route.useParams()
  const found = useQuery(runQuery(id))
  const me = useQuery(meQuery()).data
  const run = found.data
  return (
    <div className={styles.run}>
      {found.isPending && <SkeletonRows label="Loading the run" />}
      {found.isError && (
        <ErrorNotice
          error={found.error}
          title={run ? 'It could not be read again; below is the last answer' : undefined}
          onRetry={() => void found.refetch()}
        />
      )}
      {run && (
        <>
          <Header run={run} />
          <div className={page.columns}>
            <div className={page.main}>
              {run.violations.length > 0 && <Violations run={run} />}
              <Steps run={run} />
            </div>
            <div className={page.side}>{me && <RunDecision run={run} me={me} />}</div>
          </div>
        </>
      )}
    </div>
  )
}

function Header({ run }: { run: Run }) {
  const name = useQuery(clustersQuery()).data?.items.find(({ id }) => id === run.cluster)?.name
  return (
    <header className={page.header}>
      <div className={page.path}>
        <Link to="/playbooks" search={{ tab: 'runs' }}>
          Runs
        </Link>
        <span>{name ?? run.cluster}</span>
      </div>
      <div className={page.title}>
        <h1>
          {run.name}
          {argumentsWords(run) && `: ${argumentsWords(run)}`}
        </h1>
      </div>
      <div className={page.facts}>
        <span role="status">
          <StatusWord {...STANDING[run.status]} />
        </span>
        <span>
          {run.schedule ? 'Planned by a schedule' : `Planned by ${run.created_by}`},{' '}
          {clockTime(run.created_at)}
        </span>
      </div>
      {run.note && <p className={page.reason}>{run.note}</p>}
    </header>
  )
}

function Violations({ run }: { run: Run }) {
  return (
    <Card title="Why it is refused">
      <ul className={styles.list}>
        {run.violations.map((text) => (
          <li key={text}>
            <StatusShape level="crit" />
            <span>{text}</span>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Steps({ run }: { run: Run }) {
  return (
    <Card title="Steps" flush aside="one after another; each waits until the one before it has held">
      <ol className={styles.steps}>
        {run.steps.map((step, index) => (
          <li key={step.id} className={styles.step}>
            <span className={styles.number}>{index + 1}</span>
            <StatusWord {...STANDING[step.status]} />
            <Link
              to="/c/$cluster/changes/$change"
              params={{ cluster: step.cluster, change: step.id }}
              preload={false}
            >
              {step.summary}
            </Link>
            <BlastChip level={step.level} />
          </li>
        ))}
      </ol>
    </Card>
  )
}

function RunDecision({ run, me }: { run: Run; me: Me }) {
  const queries = useQueryClient()
  const [approving, setApproving] = useState(false)
  const change = useMutation({
    mutationFn: (command: () => Promise<Run>) => command(),
    onSuccess: (next) => {
      queries.setQueryData(runQuery(run.id).queryKey, next)
      setApproving(false)
    },
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: ['runs'] })
      await queries.invalidateQueries({ queryKey: ['changes'] })
    },
  })
  const pending = run.status === 'pending'
  const blocked = whyNotApprove({ ...run, approvers: [] }, me)
  const { requirement } = run
  const mayReject = pending && me.permissions.includes('changes:approve')
  const mayStop = (pending || run.status === 'executing') && me.permissions.includes('changes:write')
  return (
    <Card title="Decision">
      <div className={styles.decision}>
        {run.status !== 'refused' && (
          <div>
            <p>
              <strong>{METHOD_WORDS[requirement.method]}</strong>, once for every step
            </p>
            <ul className={styles.quiet}>
              {requirement.admin && <li>Of an administrator</li>}
              {requirement.second_person && <li>Of a second person, not of who planned it</li>}
              {requirement.reasons.map((reason) => (
                <li key={reason}>Because {reason}</li>
              ))}
            </ul>
          </div>
        )}
        {pending && blocked && <p className={styles.quiet}>{blocked}</p>}
        {!approving && change.isError && <ErrorNotice error={change.error} />}
        <div className={styles.buttons}>
          {pending && !blocked && (
            <Button tone="primary" icon="check" onClick={() => setApproving(true)}>
              Approve…
            </Button>
          )}
          {mayReject && (
            <Button
              icon="close"
              disabled={change.isPending}
              onClick={() => change.mutate(() => rejectRun(run.id))}
            >
              Reject
            </Button>
          )}
          {mayStop && (
            <Button
              tone="quiet"
              icon="stop"
              disabled={change.isPending}
              onClick={() => change.mutate(() => cancelRun(run.id))}
            >
              {pending ? 'Take it back' : 'Stop after this step'}
            </Button>
          )}
        </div>
      </div>
      {approving && (
        <ConfirmDialog
          title={`${run.name}: ${argumentsWords(run)}`}
          requirement={requirement}
          pending={change.isPending}
          error={change.error}
          onConfirm={(given) => change.mutate(() => approveRun(run.id, given))}
          onClose={() => {
            change.reset()
            setApproving(false)
          }}
        >
          <ol className={dialogs.impact}>
            {run.steps.map((step) => (
              <li key={step.id}>
                {step.summary} <BlastChip level={step.level} />
              </li>
            ))}
          </ol>
        </ConfirmDialog>
      )}
    </Card>
  )
}
