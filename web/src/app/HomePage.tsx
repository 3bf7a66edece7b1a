import { useEffect } from 'react'
import { useNavigate } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { clustersQuery } from '../api/queries'
import { Button } from '../ui/Button'
import { ErrorNotice } from '../ui/Notice'
import { SkeletonRows } from '../ui/Skeleton'
import { Brand } from './Brand'
import { openedByItself, rememberedCluster, useLayout } from './layout'
import { startCluster } from '../features/demo/simulated'
import styles from './HomePage.module.css'

/** Opens the cluster that was open last, else the demo, else the first; without any, says what to do. */
export function HomePage() {
  const clusters = useQuery(clustersQuery())
  const openDialog = useLayout((layout) => layout.set)
  if (clusters.isPending) {
    return <SkeletonRows label="Loading clusters" />
  }
  if (clusters.isError) {
    return (
      <ErrorNotice
        error={clusters.error}
        title="The clusters could not be read"
        onRetry={() => void clusters.refetch()}
      />
    )
  }
  const items = clusters.data.items
  const target = startCluster(items, rememberedCluster())
  if (target) {
    return <Open cluster={target.id} remembered={target.id === rememberedCluster()} />
  }
  return (
    <div className={styles.welcome}>
      <Brand size={44} />
      <h1 className={styles.title}>Connect a cluster</h1>
      <p className={styles.lead}>
        Kubilitics reads it once, finds what is wrong and why, and shows the evidence. Reading needs no agent
        in the cluster and changes nothing.
      </p>
      <Button tone="primary" icon="plus" onClick={() => openDialog({ addClusterOpen: true })}>
        Add a cluster
      </Button>
      <p className={styles.hint}>
        No cluster at hand? Drop the folder that <code>kubectl cluster-info dump</code> writes.
      </p>
    </div>
  )
}

function Open({ cluster, remembered }: { cluster: string; remembered: boolean }) {
  const navigate = useNavigate()
  useEffect(() => {
    if (!remembered) {
      openedByItself(cluster)
    }
    void navigate({ to: '/c/$cluster', params: { cluster }, replace: true })
  }, [cluster, remembered, navigate])
  return null
}
