// @vitest-environment node
import { expect, test } from 'vitest'
import type { ModelProvider } from '../../api/types'
import { costWords, standingOf } from './words'

const provider = { enabled: true, resting: false, test_ok: true } as ModelProvider

test('the state of a provider is the worst that is known of it', () => {
  expect(standingOf(provider).word).toBe('Answers')
  expect(standingOf({ ...provider, test_ok: null }).level).toBe('unknown')
  expect(standingOf({ ...provider, test_ok: false }).level).toBe('crit')
  expect(standingOf({ ...provider, resting: true }).level).toBe('warn')
  expect(standingOf({ ...provider, enabled: false, test_ok: false }).word).toBe('Off')
})

test('an unknown price is said, not shown as nothing', () => {
  expect(costWords({ usd: 0, unpriced: 0 })).toBe('$0.00')
  expect(costWords({ usd: 0.0012, unpriced: 1 })).toBe('$0.0012 and 1 call of unknown price')
  expect(costWords({ usd: 12.5, unpriced: 3 })).toBe('$12.50 and 3 calls of unknown price')
})
