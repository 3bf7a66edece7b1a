import type { Hypothesis, InvestigationStep, InvestigationSummary, Level } from '../../api/types'

/** How an investigation stands, in the two things that a list shows: a level with its shape, and a word. */
export interface Standing {
  level: Level
  word: string
}

const OUTCOMES: Record<InvestigationSummary['outcome'], Standing> = {
  '': { level: 'unknown', word: 'No outcome' },
  problems: { level: 'warn', word: 'Cause found' },
  several_independent_faults: { level: 'warn', word: 'Several causes' },
  no_fault: { level: 'ok', word: 'No fault found' },
  object_not_found: { level: 'unknown', word: 'Object not found' },
  insufficient_permission: { level: 'unknown', word: 'Too little may be read' },
  not_examined: { level: 'unknown', word: 'Could not be examined' },
}

/** What an investigation has come to. A cause that is gone is no alarm any more. */
export function standing(
  one: Pick<InvestigationSummary, 'status' | 'outcome' | 'cause' | 'resolution'>,
): Standing {
  switch (one.status) {
    case 'created':
      return { level: 'progress', word: 'Waiting' }
    case 'investigating':
      return { level: 'progress', word: 'Investigating' }
    case 'cancelled':
      return { level: 'unknown', word: 'Cancelled' }
  }
  if (one.resolution === 'resolved') {
    return { level: 'ok', word: 'Solved' }
  }
  const found = OUTCOMES[one.outcome] ?? OUTCOMES['']
  return one.cause?.severity === 'critical' ? { ...found, level: 'crit' } : found
}

export const OUTCOME_CHOICES = Object.entries(OUTCOMES)
  .filter(([outcome]) => outcome !== '')
  .map(([outcome, { word }]) => ({ outcome, word }))

export const RESOLUTION_WORDS: Record<InvestigationSummary['resolution'], string> = {
  '': '',
  open: 'Open',
  resolved: 'Solved',
  reopened: 'Came back',
}

export const TRIGGER_WORDS: Record<InvestigationSummary['trigger'], string> = {
  person: 'by hand',
  chat: 'in a conversation',
  mcp: 'by a tool of another program',
  alert: 'by an alert',
  schedule: 'on a schedule',
}

export const KIND_WORDS: Record<InvestigationStep['kind'], string> = {
  reading: 'Read',
  scope: 'Scope',
  symptoms: 'Symptoms',
  proposal: 'Hypotheses',
  test: 'Test',
  verdict: 'Verdict',
  conclusion: 'Conclusion',
  comparison: 'Comparison',
  cancellation: 'Cancelled',
  recheck: 'Looked again',
}

export const HYPOTHESIS_WORDS: Record<Hypothesis['status'], string> = {
  proposed: 'Proposed',
  supported: 'Supported',
  refuted: 'Refuted',
}

export const VERDICT_WORDS = { right: 'Right', partly: 'Partly', wrong: 'Wrong' } as const

export const LOOK_WORDS = {
  gone: 'The cause is gone',
  still_there: 'The cause is still there',
  changed: 'Something else is wrong now',
  not_checked: 'Could not be checked',
} as const

/** Supported ones first, most probable first; refuted ones last. */
export function inOrder(hypotheses: Hypothesis[]): Hypothesis[] {
  const rank = { supported: 0, proposed: 1, refuted: 2 }
  return [...hypotheses].sort((a, b) => rank[a.status] - rank[b.status] || b.probability - a.probability)
}
