import { useQuery } from '@tanstack/react-query'
import { kindsQuery } from '../api/queries'
import type { Kind } from '../api/types'
import type { IconName } from '../ui/Icon'

/** Order and icon of the navigation's groups. A category the server adds later comes last, with a plain icon. */
const CATEGORIES: [string, IconName][] = [
  ['Workloads', 'workloads'],
  ['Batch', 'batch'],
  ['Scaling', 'scaling'],
  ['Network', 'network'],
  ['Storage', 'storage'],
  ['Config', 'config'],
  ['Access', 'access'],
  ['Cluster', 'cluster'],
]

export interface Category {
  name: string
  icon: IconName
  kinds: Kind[]
}

/** The kinds as the server describes them, with the lookups that pages need. */
export class KindRegistry {
  readonly kinds: Kind[]
  private readonly byAlias = new Map<string, Kind>()

  constructor(kinds: Kind[]) {
    this.kinds = kinds
    for (const kind of kinds) {
      for (const alias of aliases(kind)) {
        if (!this.byAlias.has(alias)) {
          this.byAlias.set(alias, kind)
        }
      }
    }
  }

  /** A kind by any name that kubectl takes: `Pod`, `pods`, `po`, `deployments.apps`. */
  find(name: string): Kind | undefined {
    return this.byAlias.get(name.toLowerCase())
  }

  categories(): Category[] {
    const names = [...CATEGORIES.map(([name]) => name), ...this.kinds.map((kind) => kind.category)]
    return [...new Set(names)]
      .map((name) => ({
        name,
        icon: CATEGORIES.find(([known]) => known === name)?.[1] ?? ('other' as IconName),
        kinds: this.kinds.filter((kind) => kind.category === name),
      }))
      .filter((category) => category.kinds.length > 0)
  }
}

function aliases(kind: Kind): string[] {
  return [kind.kind, kind.plural, `${kind.plural}.${kind.group}`, ...kind.short_names].map((name) =>
    name.toLowerCase(),
  )
}

const NO_KINDS = new KindRegistry([])

/** The registry, empty until the server has answered. */
export function useKinds(): KindRegistry {
  return useQuery({ ...kindsQuery(), select: toRegistry }).data ?? NO_KINDS
}

// One stable function, so that the query caches its result.
const toRegistry = (page: { items: Kind[] }) => new KindRegistry(page.items)
