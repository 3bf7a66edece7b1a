import { getRouteApi, Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { changeQuery, runQuery } from '../../api/changeQueries'
import { clustersQuery, meQuery } from '../../api/queries'
import type { Change } from '../../api/types'
import { clockTime } from '../../kinds/format'
import { ResourceLink } from '../../kinds/ResourceLink'
import { ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import { ProductionChip } from '../clusters/ClusterSwitcher'
import { EvidenceList } from '../evidence/EvidenceList'
import { DecisionCard, RefusedCard } from './DecisionCard'
import { DiffCard } from './DiffCard'
import { BlastCard, ChecksCard, UndoCard } from './PreviewCards'
import { ProgressCard } from './ProgressCard'
import { CHANNEL_WORDS, STANDING } from './words'
import styles from './ChangePage.module.css'

const route = getRouteApi('/c/$cluster/changes/$change')

/** One change: what it would do, what it needs, and what came of it. */
export function ChangePage() {
  const { change: id } = route.useParams()
  const found = useQuery(changeQuery(id))
  return (
    <div className={styles.page}>
      {found.isPending && <SkeletonRows count={12} label="Loading the change" />}
      {found.isError && (
        <ErrorNotice
          error={found.error}
          title={found.data ? 'It could not be read again; below is the last answer' : undefined}
          onRetry={() => void found.refetch()}
        />
      )}
      {found.data && <Found change={found.data} />}
    </div>
  )
}

function Found({ change }: { change: Change }) {
  const me = useQuery(meQuery()).data
  return (
    <>
      <Header change={change} />
      <div className={styles.columns}>
        <div className={styles.main}>
          {change.status === 'refused' && <RefusedCard change={change} />}
          {change.execution && <ProgressCard change={change} />}
          <DiffCard change={change} />
          <ChecksCard change={change} />
        </div>
        <div className={styles.side}>
          {me && change.status !== 'refused' && <DecisionCard change={change} me={me} />}
          <BlastCard change={change} />
          <UndoCard change={change} />
        </div>
      </div>
    </>
  )
}

function Header({ change }: { change: Change }) {
  const { level, word } = STANDING[change.status]
  const name = useQuery(clustersQuery()).data?.items.find(({ id }) => id === change.cluster)?.name
  const { kind, namespace, name: object } = change.target
  return (
    <header className={styles.header}>
      <div className={styles.path}>
        <Link to="/changes">Changes</Link>
        <Link to="/c/$cluster" params={{ cluster: change.cluster }}>
          {name ?? change.cluster}
        </Link>
        <ResourceLink cluster={change.cluster} resource={{ kind, namespace, name: object }} />
        {change.playbook && <RunLink cluster={change.cluster} run={change.playbook} />}
      </div>
      <div className={styles.title}>
        <h1>{change.summary}</h1>
        {change.preview.production && (
          <span title={change.preview.production_why}>
            <ProductionChip />
          </span>
        )}
      </div>
      <div className={styles.facts}>
        <span role="status">
          <StatusWord level={level} word={word} />
        </span>
        <span>
          Asked for by {change.created_by} {CHANNEL_WORDS[change.channel] ?? change.channel},{' '}
          {clockTime(change.created_at)}
        </span>
        {change.status === 'pending' && <span>Open until {clockTime(change.expires_at)}</span>}
        {change.undo_of && (
          <ChangeLink cluster={change.cluster} id={change.undo_of} words="Undoes an earlier change" />
        )}
        {change.undone_by && (
          <ChangeLink cluster={change.cluster} id={change.undone_by} words="Undone by a later change" />
        )}
      </div>
      {change.reason && <p className={styles.reason}>{change.reason}</p>}
      {change.note && (
        <p className={styles.reason}>
          {change.closed_by ? `${change.closed_by}: ` : ''}
          {change.note}
        </p>
      )}
      {change.evidence.length > 0 && (
        <EvidenceList title="Evidence" ids={change.evidence} cluster={change.cluster} />
      )}
    </header>
  )
}

function ChangeLink({ cluster, id, words }: { cluster: string; id: string; words: string }) {
  return (
    <Link to="/c/$cluster/changes/$change" params={{ cluster, change: id }} preload={false}>
      {words}
    </Link>
  )
}

function RunLink({ cluster, run }: { cluster: string; run: string }) {
  const name = useQuery(runQuery(run)).data?.name
  return (
    <Link to="/c/$cluster/runs/$run" params={{ cluster, run }} preload={false}>
      {name ?? 'the run that it is a step of'}
    </Link>
  )
}
