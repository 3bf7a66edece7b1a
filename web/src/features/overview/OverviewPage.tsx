import { Link, useParams } from '@tanstack/react-router'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { refreshCluster } from '../../api/commands'
import { overviewQuery } from '../../api/queries'
import type { Overview } from '../../api/types'
import { useLayout } from '../../app/layout'
import { Button } from '../../ui/Button'
import { Freshness } from '../../ui/Freshness'
import { EmptyState, ErrorNotice, GapsNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import { ProblemCard } from '../problems/ProblemCard'
import { problemKey, worstFirst } from '../problems/order'
import { HealthCard, NamespacesCard, StateCard, WarningsCard } from './cards'
import styles from './OverviewPage.module.css'

/** What is wrong, first; then how the cluster is. */
export function OverviewPage() {
  const { cluster } = useParams({ from: '/c/$cluster' })
  const overview = useQuery(overviewQuery(cluster))
  if (overview.isPending) {
    return <SkeletonRows count={14} label="Loading the overview" />
  }
  if (!overview.data) {
    return (
      <div className={styles.page}>
        <PageHeader title="Overview" />
        <ErrorNotice
          error={overview.error}
          title="The overview could not be read"
          onRetry={() => void overview.refetch()}
        />
        <p>
          <Link to="/clusters">All clusters</Link>
        </p>
      </div>
    )
  }
  return <OverviewBody data={overview.data} error={overview.error} onRetry={() => void overview.refetch()} />
}

function OverviewBody({ data, error, onRetry }: { data: Overview; error: unknown; onRetry: () => void }) {
  const { cluster, problems } = data
  const now = data.as_of ? Date.parse(data.as_of) : Date.now()
  const ask = useLayout((layout) => layout.ask)
  return (
    <div className={styles.page}>
      {cluster.production && <div className={styles.guard} />}
      <PageHeader
        title={cluster.name}
        facts={
          <>
            {data.version && <span>Kubernetes {data.version}</span>}
            <Freshness asOf={data.as_of} recorded={cluster.source === 'recorded'} failing={Boolean(error)} />
          </>
        }
      >
        <RefreshButton cluster={cluster.id} />
      </PageHeader>
      {Boolean(error) && (
        <ErrorNotice
          error={error}
          title="Newer data could not be read; below is the last answer"
          onRetry={onRetry}
        />
      )}
      {cluster.status !== 'ready' && cluster.message && (
        <p className={styles.message}>
          <StatusWord level={cluster.status === 'pending' ? 'progress' : 'crit'} word={cluster.message} />
        </p>
      )}
      <GapsNotice gaps={data.gaps} />
      <div className={styles.columns}>
        <section className={styles.wrong} aria-labelledby="what-is-wrong">
          <div className={styles.wrongHead}>
            <h2 id="what-is-wrong">What is wrong</h2>
            {problems.total > 0 && (
              <span className={styles.tally}>
                {problems.critical} critical, {problems.warning} warning
              </span>
            )}
            <div className={styles.space} />
            <Button tone="quiet" onClick={() => ask('what is wrong?')}>
              Ask the assistant
            </Button>
          </div>
          {problems.total === 0 ? (
            <div className={styles.calm}>
              <EmptyState title="Nothing is wrong that was read">
                <p>
                  {data.gaps.length > 0
                    ? 'Some things could not be read, see above.'
                    : 'Every object that was read is well.'}
                </p>
              </EmptyState>
            </div>
          ) : (
            worstFirst(problems.top).map((problem) => (
              <ProblemCard key={problemKey(problem)} problem={problem} cluster={cluster.id} now={now} />
            ))
          )}
          {problems.total > problems.top.length && (
            <Link to="/c/$cluster/problems" params={{ cluster: cluster.id }} className={styles.all}>
              All {problems.total} problems
            </Link>
          )}
        </section>
        <div className={styles.side}>
          <HealthCard data={data} />
          <StateCard data={data} />
        </div>
      </div>
      <div className={styles.tables}>
        <NamespacesCard data={data} />
        <WarningsCard data={data} now={now} />
      </div>
    </div>
  )
}

function RefreshButton({ cluster }: { cluster: string }) {
  const queries = useQueryClient()
  const refresh = useMutation({
    mutationFn: () => refreshCluster(cluster),
    onSettled: () => queries.invalidateQueries(),
  })
  return (
    <>
      {refresh.isError && <span role="alert">{refresh.error.message}</span>}
      <Button icon="refresh" onClick={() => refresh.mutate()} disabled={refresh.isPending}>
        {refresh.isPending ? 'Refreshing…' : 'Refresh'}
      </Button>
    </>
  )
}
