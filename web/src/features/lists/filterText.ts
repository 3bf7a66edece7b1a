import type { QueryChip } from '../../api/types'

/** The filter without one of its parsed parts: cuts the part's own words, so that the rest stays as it was typed. */
export function withoutChip(q: string, chip: QueryChip, chips: QueryChip[], unparsed: string[]): string {
  const at = q.toLowerCase().indexOf(chip.text.toLowerCase())
  if (chip.text && at !== -1) {
    return tidy(q.slice(0, at) + ' ' + q.slice(at + chip.text.length))
  }
  // The server named the part in other words than were typed: say again what remains.
  return tidy([...chips.filter((other) => other !== chip).map((other) => other.text), ...unparsed].join(' '))
}

/** The filter without a word that was not understood. */
export function withoutWord(q: string, word: string): string {
  const at = q.toLowerCase().indexOf(word.toLowerCase())
  return at === -1 ? q : tidy(q.slice(0, at) + ' ' + q.slice(at + word.length))
}

/** Chips in an order and form that a reader scans: `status is failing`. */
export function chipWords(chip: QueryChip): string {
  return `${chip.field.replaceAll('_', ' ')} ${OPERATORS[chip.op] ?? chip.op} ${valueWords(chip.value)}`
}

const OPERATORS: Record<string, string> = {
  '=': 'is',
  '==': 'is',
  eq: 'is',
  is: 'is',
  '!=': 'is not',
  ne: 'is not',
  '>': '>',
  gt: '>',
  '>=': '≥',
  gte: '≥',
  ge: '≥',
  '<': '<',
  lt: '<',
  '<=': '≤',
  lte: '≤',
  le: '≤',
  in: 'is one of',
  '~': 'contains',
  contains: 'contains',
}

function valueWords(value: unknown): string {
  return Array.isArray(value) ? value.map(String).join(', ') : String(value)
}

const DANGLING = /\s+(in|and|with|on|by)$|^(in|and|with|on|by)\s+/gi

function tidy(text: string): string {
  return text.replace(/\s+/g, ' ').trim().replace(DANGLING, '').trim()
}
