import { useState } from 'react'
import { Link } from '@tanstack/react-router'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { checkCluster, refreshCluster } from '../../api/commands'
import { clustersQuery } from '../../api/queries'
import type { Cluster } from '../../api/types'
import { useLayout } from '../../app/layout'
import { clockTime, NONE } from '../../kinds/format'
import { Button, IconButton } from '../../ui/Button'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import { SimulatedChip } from '../demo/SimulatedChip'
import { isSimulated } from '../demo/simulated'
import { CheckResult } from './CheckResult'
import { levelOfCluster, ProductionChip } from './ClusterSwitcher'
import { RemoveDialog, RenameDialog } from './ClusterDialogs'
import styles from './ClustersPage.module.css'

const STATUS_WORDS: Record<Cluster['status'], string> = {
  pending: 'Reading',
  ready: 'Connected',
  unreachable: 'Unreachable',
  error: 'Error',
}

/** All clusters: their connection, its check, renaming, refreshing and removing. */
export function ClustersPage() {
  const clusters = useQuery(clustersQuery())
  const openDialog = useLayout((layout) => layout.set)
  const add = (
    <Button tone="primary" icon="plus" onClick={() => openDialog({ addClusterOpen: true })}>
      Add a cluster
    </Button>
  )
  return (
    <div className={styles.page}>
      <PageHeader title="Clusters">{add}</PageHeader>
      {clusters.isError && (
        <ErrorNotice
          error={clusters.error}
          title={clusters.data ? 'The clusters could not be read again; below is the last answer' : undefined}
          onRetry={() => void clusters.refetch()}
        />
      )}
      {clusters.isPending && <SkeletonRows />}
      {clusters.data?.items.length === 0 && <EmptyState title="No cluster is connected">{add}</EmptyState>}
      <ul className={styles.list}>
        {clusters.data?.items.map((cluster) => (
          <ClusterCard key={cluster.id} cluster={cluster} />
        ))}
      </ul>
    </div>
  )
}

function ClusterCard({ cluster }: { cluster: Cluster }) {
  const [dialog, setDialog] = useState<'rename' | 'remove' | null>(null)
  const queries = useQueryClient()
  const check = useMutation({ mutationFn: () => checkCluster(cluster.id) })
  const refresh = useMutation({
    mutationFn: () => refreshCluster(cluster.id),
    onSettled: () => queries.invalidateQueries(),
  })
  return (
    <li className={styles.card}>
      <div className={styles.head}>
        <div className={styles.title}>
          <h2>
            <Link to="/c/$cluster" params={{ cluster: cluster.id }}>
              {cluster.name}
            </Link>
          </h2>
          <StatusWord
            level={cluster.status === 'ready' ? 'ok' : levelOfCluster(cluster)}
            word={STATUS_WORDS[cluster.status]}
          />
          {cluster.production && <ProductionChip />}
          {isSimulated(cluster) && <SimulatedChip />}
          {cluster.problems && (
            <Link to="/c/$cluster/problems" params={{ cluster: cluster.id }} className={styles.problems}>
              {problemWords(cluster.problems)}
            </Link>
          )}
        </div>
        <div className={styles.actions}>
          <Button onClick={() => check.mutate()} disabled={check.isPending}>
            {check.isPending ? 'Checking…' : 'Check'}
          </Button>
          <Button icon="refresh" onClick={() => refresh.mutate()} disabled={refresh.isPending}>
            {refresh.isPending ? 'Refreshing…' : 'Refresh now'}
          </Button>
          <IconButton icon="edit" label={`Rename ${cluster.name}`} onClick={() => setDialog('rename')} />
          <IconButton icon="trash" label={`Remove ${cluster.name}`} onClick={() => setDialog('remove')} />
        </div>
      </div>
      <dl className={styles.facts}>
        <Fact label="Source" value={cluster.source} />
        <Fact label="Server" value={cluster.server || NONE} />
        <Fact label="Version" value={cluster.version || NONE} />
        <Fact
          label={cluster.source === 'recorded' ? 'Recorded at' : 'Read at'}
          value={clockTime(cluster.as_of)}
        />
      </dl>
      {cluster.message && <p className={styles.message}>{cluster.message}</p>}
      {check.data && <CheckResult check={check.data} />}
      {check.isError && <ErrorNotice error={check.error} title="The check did not finish" />}
      {refresh.isError && <ErrorNotice error={refresh.error} title="The cluster could not be read" />}
      {dialog === 'rename' && <RenameDialog cluster={cluster} onClose={() => setDialog(null)} />}
      {dialog === 'remove' && <RemoveDialog cluster={cluster} onClose={() => setDialog(null)} />}
    </li>
  )
}

function problemWords({ critical, warning }: { critical: number; warning: number }): string {
  if (critical + warning === 0) {
    return 'No problems'
  }
  return [critical && `${critical} critical`, warning && `${warning} warning`].filter(Boolean).join(', ')
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd title={value}>{value}</dd>
    </div>
  )
}
