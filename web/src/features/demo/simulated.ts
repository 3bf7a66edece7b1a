import type { Cluster } from '../../api/types'

/** Whether a cluster is a simulation: its version says so, as in `v1.36.2-sim`. */
export function isSimulated(cluster: Pick<Cluster, 'version'> | undefined): boolean {
  return cluster?.version?.endsWith('-sim') ?? false
}

/** The cluster to open at first: the one that was open last, else the demo, else the first. */
export function startCluster(items: Cluster[], last: string | null): Cluster | undefined {
  return items.find((cluster) => cluster.id === last) ?? items.find(isSimulated) ?? items[0]
}
