import type { Cluster } from '../../api/types'
import type { KindRegistry } from '../../kinds/registry'

export type Target =
  | { page: 'overview' | 'problems'; cluster: string }
  | { page: 'clusters' }
  | { page: 'list'; cluster: string; kind: string; namespace?: string; q?: string }

export interface Jump {
  title: string
  hint: string
  target: Target
}

interface Places {
  kinds: KindRegistry
  clusters: Cluster[]
  cluster: string | undefined
}

const MOST_JUMPS = 6
const MOST_WORDS = 2

/** Places that a text may mean, best first. Free text means none, so that Enter asks. */
export function jumps(text: string, places: Places): Jump[] {
  const typed = text.trim()
  if (typed.startsWith(':')) {
    return commandJumps(typed.slice(1), places)
  }
  if (typed.length < MOST_WORDS || typed.split(/\s+/).length > MOST_WORDS) {
    return []
  }
  const found = [
    ...pageJumps(typed, places),
    ...kindJumps(typed, places),
    ...clusterJumps(typed, places.clusters),
  ]
  return found.slice(0, MOST_JUMPS)
}

/** k9s style: `:kind [namespace] [/filter] [@cluster]`. */
function commandJumps(command: string, places: Places): Jump[] {
  const [name = '', ...rest] = command.trim().split(/\s+/)
  const clusterName = rest.find((word) => word.startsWith('@'))?.slice(1)
  const namespace = rest.find((word) => !word.startsWith('@') && !word.startsWith('/'))
  const q = rest.find((word) => word.startsWith('/'))?.slice(1)
  const cluster = clusterName ? clusterNamed(clusterName, places.clusters)?.id : places.cluster
  const kind = places.kinds.find(name)
  if (!kind) {
    return name ? [...pageJumps(name, places), ...kindJumps(name, places)].slice(0, MOST_JUMPS) : []
  }
  if (!cluster) {
    return []
  }
  const where = [namespace && `in ${namespace}`, q && `matching ${q}`, clusterName && `on ${clusterName}`]
  return [
    {
      title: [kind.title, ...where].filter(Boolean).join(' '),
      hint: 'Go to',
      target: {
        page: 'list',
        cluster,
        kind: kind.kind,
        namespace: kind.namespaced ? namespace : undefined,
        q,
      },
    },
  ]
}

function pageJumps(typed: string, { cluster }: Places): Jump[] {
  const pages: Jump[] = [
    ...(cluster
      ? [
          { title: 'Overview', hint: 'Page', target: { page: 'overview', cluster } as const },
          { title: 'Problems', hint: 'Page', target: { page: 'problems', cluster } as const },
        ]
      : []),
    { title: 'Clusters', hint: 'Page', target: { page: 'clusters' } },
  ]
  return pages.filter((page) => page.title.toLowerCase().startsWith(typed.toLowerCase()))
}

function kindJumps(typed: string, { kinds, cluster }: Places): Jump[] {
  if (!cluster) {
    return []
  }
  const lower = typed.toLowerCase()
  const exact = kinds.find(lower)
  const starting = kinds.kinds.filter(
    (kind) =>
      kind !== exact &&
      [kind.kind, kind.plural, kind.title].some((name) => name.toLowerCase().startsWith(lower)),
  )
  return [...(exact ? [exact] : []), ...starting].map((kind) => ({
    title: kind.title,
    hint: kind.short_names[0] ? `${kind.category} · ${kind.short_names[0]}` : kind.category,
    target: { page: 'list', cluster, kind: kind.kind },
  }))
}

function clusterJumps(typed: string, clusters: Cluster[]): Jump[] {
  return clusters
    .filter((cluster) => cluster.name.toLowerCase().includes(typed.toLowerCase()))
    .map((cluster) => ({
      title: cluster.name,
      hint: 'Cluster',
      target: { page: 'overview', cluster: cluster.id },
    }))
}

function clusterNamed(name: string, clusters: Cluster[]): Cluster | undefined {
  const lower = name.toLowerCase()
  return (
    clusters.find((cluster) => cluster.name.toLowerCase() === lower) ??
    clusters.find((cluster) => cluster.name.toLowerCase().startsWith(lower))
  )
}
