import { useNavigate } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { clustersQuery } from '../../api/queries'
import type { Cluster, Level } from '../../api/types'
import { useLayout } from '../../app/layout'
import { Icon } from '../../ui/Icon'
import { Menu, MenuItem, MenuLabel, MenuSeparator } from '../../ui/Menu'
import { StatusShape } from '../../ui/Status'
import { SimulatedChip } from '../demo/SimulatedChip'
import { isSimulated } from '../demo/simulated'
import styles from './ClusterSwitcher.module.css'

/** Health of a cluster at a glance: its connection first, then its worst problem. */
export function levelOfCluster(cluster: Cluster): Level {
  if (cluster.status === 'pending') {
    return 'progress'
  }
  if (cluster.status !== 'ready') {
    return 'crit'
  }
  if (!cluster.problems) {
    return 'unknown'
  }
  return cluster.problems.critical ? 'crit' : cluster.problems.warning ? 'warn' : 'ok'
}

export function ClusterSwitcher({ current }: { current: string | undefined }) {
  const clusters = useQuery(clustersQuery())
  const layout = useLayout()
  const navigate = useNavigate()
  const items = clusters.data?.items ?? []
  const selected = items.find((cluster) => cluster.id === current)
  return (
    <>
      <Menu
        open={layout.clusterMenuOpen}
        onOpenChange={(clusterMenuOpen) => layout.set({ clusterMenuOpen })}
        trigger={
          <button type="button" className={styles.trigger} title="Switch cluster (c)">
            {selected && <StatusShape level={levelOfCluster(selected)} />}
            <span className={styles.name}>{selected?.name ?? 'Choose a cluster'}</span>
            <Icon name="chevronDown" size={13} />
          </button>
        }
      >
        <MenuLabel>Clusters</MenuLabel>
        {items.map((cluster) => (
          <MenuItem
            key={cluster.id}
            checked={cluster.id === current}
            onSelect={() => void navigate({ to: '/c/$cluster', params: { cluster: cluster.id } })}
          >
            <StatusShape level={levelOfCluster(cluster)} />
            <span className={styles.item}>{cluster.name}</span>
            {cluster.production && <ProductionChip />}
            {isSimulated(cluster) && <SimulatedChip />}
            <span className={styles.source}>{cluster.source}</span>
          </MenuItem>
        ))}
        <MenuSeparator />
        <MenuItem onSelect={() => layout.set({ addClusterOpen: true })}>
          <Icon name="plus" size={14} /> Add a cluster…
        </MenuItem>
        <MenuItem onSelect={() => void navigate({ to: '/clusters' })}>
          <Icon name="clusters" size={14} /> Manage clusters
        </MenuItem>
      </Menu>
      {selected?.production && <ProductionChip />}
      {isSimulated(selected) && <SimulatedChip />}
    </>
  )
}

export function ProductionChip() {
  return <span className={styles.production}>PRODUCTION</span>
}
