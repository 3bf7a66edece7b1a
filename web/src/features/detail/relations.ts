import type { Relation } from '../../api/types'

export interface RelationGroup {
  title: string
  items: Relation[]
}

/** Incoming relations read the other way round; a relation that nobody listed is named as it is. */
const INCOMING: Record<string, string> = {
  owns: 'Owned by',
  selects: 'Selected by',
  mounts: 'Mounted by',
  reads_env: 'Read as environment by',
  scheduled_on: 'Scheduled here',
  routes_to: 'Routed to by',
  scales: 'Scaled by',
  binds: 'Bound by',
  uses: 'Used by',
  claims: 'Claimed by',
  limits: 'Limited by',
  protects: 'Protected by',
}

/** Relations by how they read from this object, incoming ones first: who depends on it is what an incident asks. */
export function groupRelations(items: Relation[]): RelationGroup[] {
  const groups = new Map<string, Relation[]>()
  const ordered = [...items].sort((a, b) => (a.direction === b.direction ? 0 : a.direction === 'in' ? -1 : 1))
  for (const item of ordered) {
    const title = titleOf(item)
    groups.set(title, [...(groups.get(title) ?? []), item])
  }
  return [...groups].map(([title, relations]) => ({ title, items: relations }))
}

function titleOf({ relation, direction }: Relation): string {
  const words = relation.replaceAll('_', ' ')
  if (direction === 'out') {
    return words.charAt(0).toUpperCase() + words.slice(1)
  }
  return INCOMING[relation] ?? `${words.charAt(0).toUpperCase() + words.slice(1)} (from)`
}
