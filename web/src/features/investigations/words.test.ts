import { expect, test } from 'vitest'
import { aHypothesis, anInvestigation } from '../../api/samples'
import { inOrder, standing } from './words'

const cause = {
  resource: { kind: 'Pod', namespace: 'shop', name: 'checkout-1' },
  mode: 'oom',
  title: 'Out of memory',
  probability: 0.9,
  severity: 'critical' as const,
  summary: '',
}

test('a list says how an investigation stands', () => {
  expect(standing(anInvestigation()).word).toBe('Investigating')
  expect(standing(anInvestigation({ status: 'created' })).level).toBe('progress')
  expect(standing(anInvestigation({ status: 'cancelled' })).word).toBe('Cancelled')
  const concluded = anInvestigation({ status: 'concluded', outcome: 'problems', cause, resolution: 'open' })
  expect(standing(concluded)).toEqual({ level: 'crit', word: 'Cause found' })
  expect(standing({ ...concluded, resolution: 'resolved' })).toEqual({ level: 'ok', word: 'Solved' })
  expect(standing({ ...concluded, resolution: 'reopened' }).level).toBe('crit')
  expect(standing(anInvestigation({ status: 'concluded', outcome: 'no_fault' })).level).toBe('ok')
  expect(standing(anInvestigation({ status: 'concluded', outcome: 'insufficient_permission' })).level).toBe(
    'unknown',
  )
})

test('what stands comes first, what fell comes last', () => {
  const order = inOrder([
    aHypothesis('fell', { status: 'refuted', probability: 0.9 }),
    aHypothesis('second', { status: 'supported', probability: 0.6 }),
    aHypothesis('open', { status: 'proposed', probability: 0.95 }),
    aHypothesis('first', { status: 'supported', probability: 0.8 }),
  ])
  expect(order.map(({ id }) => id)).toEqual(['first', 'second', 'open', 'fell'])
})
