import type { Policy, TimeWindow } from '../../api/types'

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

export const ALWAYS: TimeWindow = { days: [...DAYS], start: '00:00', end: '24:00', timezone: 'UTC' }

/** A policy that asks for nothing yet and is about everything. */
export function newPolicy(): Policy {
  return {
    id: '',
    name: '',
    match: { production: null },
    enabled: true,
    deny: false,
    approval: 'simple',
    second_person: false,
    admin: false,
    window: null,
    most_objects: null,
    most_replicas: null,
    reason: '',
  }
}

/** Words or patterns separated by commas or blanks. */
export function words(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))]
}

/** `key=value` pairs, separated as words are. A word without `=` is a key with an empty value. */
export function pairs(text: string): Record<string, string> {
  return Object.fromEntries(
    words(text).map((word) => {
      const [key = '', ...value] = word.split('=')
      return [key, value.join('=')]
    }),
  )
}

export function pairsText(labels: Record<string, string> | undefined): string {
  return Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
}

/** An id from a name, other than those that are taken: `Freeze of billing!` is `freeze-of-billing`. */
export function idOf(name: string, taken: string[]): string {
  const base =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 58) || 'policy'
  let id = base
  for (let number = 2; taken.includes(id); number += 1) {
    id = `${base}-${number}`
  }
  return id
}

/** The number that was typed; null for an empty field. */
export function limitOf(text: string): number | null {
  const trimmed = text.trim()
  return trimmed === '' ? null : Number(trimmed)
}

export function isLimit(value: number | null): boolean {
  return value === null || (Number.isInteger(value) && value >= 0)
}

export function windowWords(window: TimeWindow): string {
  const days = DAYS.filter((day) => window.days.includes(day))
  const runs = days.length === 7 ? 'every day' : listed(days)
  return `${runs}, ${window.start} to ${window.end} ${window.timezone}`
}

/** Days as people write them: three or more in a row are a span. */
function listed(days: readonly (typeof DAYS)[number][]): string {
  const spans: (typeof DAYS)[number][][] = []
  for (const day of days) {
    const last = spans.at(-1)
    const before = last?.at(-1)
    if (last && before && DAYS.indexOf(before) + 1 === DAYS.indexOf(day)) {
      last.push(day)
    } else {
      spans.push([day])
    }
  }
  const name = (day: string | undefined) => (day ? day.charAt(0).toUpperCase() + day.slice(1) : '')
  return spans
    .map((span) => (span.length > 2 ? `${name(span[0])}–${name(span.at(-1))}` : span.map(name).join(', ')))
    .join(', ')
}

/** What a policy is about, in words. */
export function matchWords({ match }: Policy): string {
  const parts = [
    list('clusters', match.clusters),
    list('namespaces', match.namespaces),
    list('kinds', match.kinds),
    list('actions', match.actions),
    match.labels && Object.keys(match.labels).length ? `labels ${pairsText(match.labels)}` : '',
    match.production === true ? 'production only' : match.production === false ? 'outside production' : '',
  ].filter(Boolean)
  return parts.length ? parts.join('; ') : 'every change'
}

function list(name: string, values: string[] | undefined): string {
  return values?.length ? `${name} ${values.join(', ')}` : ''
}

const APPROVALS = { simple: '', impact: 'the impact is read', typed: 'typed confirmation' } as const

/** What a policy asks for, in words. */
export function effectWords(policy: Policy): string {
  const parts = [
    policy.deny ? 'refuse' : '',
    APPROVALS[policy.approval],
    policy.second_person ? 'a second person' : '',
    policy.admin ? 'an administrator' : '',
    policy.window ? `only ${windowWords(policy.window)}` : '',
    policy.most_objects === null ? '' : `at most ${policy.most_objects} objects`,
    policy.most_replicas === null ? '' : `at most ${policy.most_replicas} replicas`,
  ].filter(Boolean)
  return parts.length ? parts.join('; ') : 'nothing beyond the rules'
}
