import { expect, test } from 'vitest'
import { aHypothesis, anInvestigation, aStep } from '../../api/samples'
import { withSteps } from './live'

test('steps are added once, and a hypothesis is what the last step says of it', () => {
  const proposed = aHypothesis('h1')
  const refuted = aHypothesis('h1', { status: 'refuted', probability: 0.02 })
  const first = withSteps(anInvestigation({ status: 'created' }), [aStep(1, { hypotheses: [proposed] })])
  expect(first.status).toBe('investigating')
  expect(first.hypotheses).toEqual([proposed])
  const second = withSteps(first, [aStep(1), aStep(2, { hypotheses: [refuted] })])
  expect(second.steps.map((step) => step.n)).toEqual([1, 2])
  expect(second.steps_done).toBe(2)
  expect(second.hypotheses).toEqual([refuted])
})

test('nothing new changes nothing', () => {
  const before = withSteps(anInvestigation(), [aStep(1)])
  expect(withSteps(before, [aStep(1)])).toBe(before)
})
