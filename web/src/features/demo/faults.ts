import { queryOptions, type QueryClient } from '@tanstack/react-query'
import { call, path } from '../../api/client'

/** One fault of the demo cluster. `symptoms` are in the order in which they come. */
export interface Fault {
  name: string
  title: string
  family: string
  active: boolean
  since: string | null
  symptoms: string[]
}

export type FaultAction = 'inject' | 'heal'

/** Served by the local gateway beside the API; nothing that runs in AWS has it. */
const BASE = '/local/demo'
const POLL_MS = 10_000

export const faultsQuery = () =>
  queryOptions({
    queryKey: ['demo-faults'],
    queryFn: ({ signal }) => call<{ items: Fault[] }>('GET', '/faults', { base: BASE, signal }),
    refetchInterval: POLL_MS,
    retry: false,
  })

export function changeFault(action: FaultAction, name: string): Promise<Fault> {
  return call<Fault>('POST', `/${action}`, { base: BASE, body: { name } })
}

export interface Family {
  name: string
  faults: Fault[]
}

/** The faults that match every word of the text: active ones first in a group of their own, the rest by family. */
export function families(faults: Fault[], text: string): Family[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const found = faults.filter((fault) => {
    const haystack = [fault.name, fault.title, fault.family, ...fault.symptoms].join(' ').toLowerCase()
    return words.every((word) => haystack.includes(word))
  })
  const groups = new Map<string, Fault[]>()
  for (const fault of found.toSorted(byTitle)) {
    const group = fault.active ? 'Active now' : capitalised(fault.family)
    groups.set(group, [...(groups.get(group) ?? []), fault])
  }
  const rest = [...groups]
    .filter(([name]) => name !== 'Active now')
    .toSorted(([a], [b]) => a.localeCompare(b))
  const active = groups.get('Active now')
  return [...(active ? [['Active now', active] as const] : []), ...rest].map(([name, group]) => ({
    name,
    faults: group,
  }))
}

const byTitle = (a: Fault, b: Fault) => a.title.localeCompare(b.title)

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

/** What to say after a change: what comes next, and when. */
export function announcement(action: FaultAction, title: string): string {
  return action === 'inject'
    ? `${title}: injected; the cluster shows it within about 30 s.`
    : `${title}: healed; the cluster recovers within about a minute.`
}

/** When the cluster is read again after a change, beside the pages' own polling: its effects unfold over a minute. */
export const READ_AGAIN_AFTER_MS = [6_000, 15_000, 30_000, 50_000]

/** Reads the cluster again while the effects of a change unfold, and has what is on the screen follow. */
export function followEffects(cluster: string, queries: QueryClient): void {
  for (const delay of READ_AGAIN_AFTER_MS) {
    setTimeout(() => {
      call('POST', path('clusters', cluster, 'refresh'))
        .then(() => queries.invalidateQueries({ predicate: ({ queryKey }) => isAbout(queryKey, cluster) }))
        .catch(() => undefined) // The pages' own polling shows an error with its remedy.
    }, delay)
  }
}

function isAbout(key: readonly unknown[], cluster: string): boolean {
  return key[0] === 'clusters' || key[1] === cluster
}
