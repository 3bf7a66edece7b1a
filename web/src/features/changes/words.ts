import type {
  Blast,
  Change,
  ChangeCheck,
  ChangeMethod,
  ChangeStatus,
  ChangeSummary,
  Level,
  Me,
  Requirement,
  Severity,
} from '../../api/types'

/** How a change stands, in the two things that a list shows: a level with its shape, and a word. */
export const STANDING: Record<ChangeStatus, { level: Level; word: string }> = {
  pending: { level: 'warn', word: 'Waits for approval' },
  refused: { level: 'crit', word: 'Refused' },
  approved: { level: 'progress', word: 'Approved' },
  executing: { level: 'progress', word: 'Executing' },
  verifying: { level: 'progress', word: 'Verifying' },
  succeeded: { level: 'ok', word: 'Done' },
  failed: { level: 'crit', word: 'Failed' },
  rejected: { level: 'unknown', word: 'Rejected' },
  cancelled: { level: 'unknown', word: 'Cancelled' },
  expired: { level: 'unknown', word: 'Expired' },
}

/** The choices of the list's status filter: one or several states each. */
export const STATUS_CHOICES: [value: string, word: string][] = [
  ['pending', 'Waiting for approval'],
  ['approved,executing,verifying', 'In progress'],
  ['succeeded', 'Done'],
  ['failed', 'Failed'],
  ['refused', 'Refused'],
  ['rejected,cancelled,expired', 'Closed without being done'],
]

export const CHANNEL_WORDS: Record<string, string> = {
  api: 'over the page or the API',
  mcp: 'by a tool of another program',
  chat: 'in a conversation',
  playbook: 'as a step of a playbook',
  autopilot: 'by itself, inside a standing approval',
  kubilitics: 'by itself, because the change before did not hold',
  slack: 'in Slack',
}

export const OUTCOME_LEVEL: Record<ChangeCheck['outcome'], { level: Level; word: string }> = {
  block: { level: 'crit', word: 'Blocks' },
  unknown: { level: 'unknown', word: 'Not known' },
  warn: { level: 'warn', word: 'Caution' },
  ok: { level: 'ok', word: 'Fine' },
}

export const VERDICT: Record<Change['preview']['verdict'], { level: Level; word: string }> = {
  safe: { level: 'ok', word: 'Nothing speaks against it' },
  caution: { level: 'warn', word: 'With caution' },
  unsafe: { level: 'crit', word: 'Not safe' },
  unknown: { level: 'unknown', word: 'Not everything is known' },
}

export const BLAST_SEVERITY: Record<Blast['level'], Severity> = {
  low: 'info',
  medium: 'warning',
  high: 'critical',
  critical: 'critical',
}

export const METHOD_WORDS: Record<ChangeMethod, string> = {
  simple: 'A plain yes',
  impact: 'A yes after reading the impact',
  typed: 'A typed confirmation',
}

/** A check's or a rule's name as a phrase: `server_dry_run` is "server dry run". */
export function phrase(name: string): string {
  return name.replace(/^check:/, '').replaceAll('_', ' ')
}

const CHECK_ORDER = ['block', 'unknown', 'warn', 'ok'] as const

/** What speaks against a change first. */
export function worstFirst(checks: ChangeCheck[]): ChangeCheck[] {
  return [...checks].sort((a, b) => CHECK_ORDER.indexOf(a.outcome) - CHECK_ORDER.indexOf(b.outcome))
}

/** Checks whose objection a person may accept by asking again. */
export function overridable(change: Change): string[] {
  const blocked = change.preview.checks.filter((check) => check.outcome === 'block')
  const broken = change.decision.violations.filter(({ rule }) => !rule.startsWith('check:'))
  return broken.length === 0 && blocked.length > 0 && blocked.every((check) => check.overridable)
    ? blocked.map((check) => check.name)
    : []
}

export interface Decidable {
  created_by: string
  status: ChangeStatus
  requirement: Requirement
  /** People who have said yes already. */
  approvers: string[]
}

/** Why this person cannot approve; empty when they can. What the server enforces, said before the click. */
export function whyNotApprove(one: Decidable, me: Me): string {
  const { requirement } = one
  if (!me.permissions.includes('changes:approve')) {
    return `Your role (${me.role}) may not approve. An operator or an administrator can.`
  }
  if (
    (requirement.admin || requirement.method === 'typed') &&
    !me.permissions.includes('changes:approve_high')
  ) {
    return 'This needs the approval of an administrator.'
  }
  if (one.approvers.includes(me.user)) {
    return 'You have approved it. A second person has to approve it too.'
  }
  if (requirement.second_person && one.created_by === me.user) {
    return 'A second person has to approve it: you asked for it yourself.'
  }
  return ''
}

export function mayCancel(one: Pick<ChangeSummary, 'created_by' | 'status' | 'playbook'>, me: Me): boolean {
  return (
    (one.status === 'pending' || one.status === 'approved') &&
    me.permissions.includes('changes:write') &&
    (one.created_by === me.user || me.permissions.includes('changes:approve'))
  )
}

/** Whether a change has done something that may be put back. */
export function mayUndo(one: Change, me: Me): boolean {
  return (
    me.permissions.includes('changes:write') &&
    one.execution !== null &&
    (one.status === 'succeeded' || one.status === 'failed') &&
    one.undone_by === '' &&
    one.preview.undo.possible
  )
}

/** A JSON pointer as people write paths: `/spec/template/a~1b` is `spec.template.a/b`. */
export function fieldPath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(
      (path, part) =>
        /^\d+$/.test(part)
          ? `${path}[${part}]`
          : /[.]/.test(part)
            ? `${path}["${part}"]`
            : path
              ? `${path}.${part}`
              : part,
      '',
    )
}

/** A value of a diff as text; null is an absent field, which is not an empty one. */
export function fieldValue(value: unknown): string | null {
  if (value === null || value === undefined) {
    return null
  }
  return typeof value === 'string' ? (value === '' ? '""' : value) : JSON.stringify(value, null, 1)
}

/** What a change adds to, or takes from, what is requested and paid for; null for no difference. */
export function costWords(cost: Change['preview']['cost']): string | null {
  if (!cost) {
    return null
  }
  const signed = (value: number, digits: number, unit: string) => {
    const rounded = Number(value.toFixed(digits))
    return rounded === 0 ? null : `${rounded > 0 ? '+' : '−'}${Math.abs(rounded)} ${unit}`
  }
  const parts = [
    signed(cost.cpu_cores, 3, 'cores'),
    signed(cost.memory_gib, 3, 'GiB'),
    cost.usd_per_month === null ? null : signed(cost.usd_per_month, 2, 'USD a month'),
  ].filter((part) => part !== null)
  return parts.length ? parts.join(', ') : 'No difference'
}

/** Operations on objects of which no fields are compared, e.g. the pods that a drain evicts. */
export function withoutDiff(change: Change): Change['operations'] {
  const key = (one: { kind: string; namespace: string; name: string }) =>
    `${one.kind}/${one.namespace}/${one.name}`
  const compared = new Set(change.preview.diffs.map(key))
  return change.operations.filter((operation) => !compared.has(key(operation)))
}
