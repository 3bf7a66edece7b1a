import { expect, test } from 'vitest'
import { levelOfContainer, neverRan, resourceWords, stateWords } from './containers'

test('a container is as bad as its state', () => {
  const level = (state: object, more = {}) => levelOfContainer({ name: 'a', state: state as never, ...more })
  expect(level({ state: 'running' }, { ready: true })).toBe('ok')
  expect(level({ state: 'running' }, { ready: false })).toBe('warn')
  expect(level({ state: 'waiting', reason: 'ContainerCreating' })).toBe('progress')
  expect(level({ state: 'waiting', reason: 'ImagePullBackOff' })).toBe('crit')
  expect(level({ state: 'terminated', exit_code: 0 })).toBe('ok')
  expect(level({ state: 'terminated', exit_code: 137 })).toBe('crit')
  expect(levelOfContainer({ name: 'a' })).toBe('unknown')
})

test('a container that waits for its first start has no log, one that waits for its next has', () => {
  const waiting = { state: 'waiting', reason: 'CreateContainerConfigError' }
  expect(neverRan({ name: 'a', state: waiting, restarts: 0 })).toBe(true)
  expect(neverRan({ name: 'a', state: waiting, restarts: 3 })).toBe(false)
  expect(neverRan({ name: 'a', state: waiting, last_state: { state: 'terminated', exit_code: 1 } })).toBe(
    false,
  )
  expect(neverRan({ name: 'a' })).toBe(false)
})

test('how a run ended, and after how long', () => {
  const ended = {
    state: 'terminated',
    reason: 'OOMKilled',
    exit_code: 137,
    since: '2026-11-22T10:00:00Z',
    until: '2026-11-22T10:06:04Z',
  }
  expect(stateWords(ended)).toBe('Terminated: OOMKilled (exit 137) after 6m4s')
  expect(stateWords({ state: 'waiting', reason: 'ImagePullBackOff' })).toBe('Waiting: ImagePullBackOff')
  expect(stateWords(null)).toBe('No state')
})

test('a missing limit is said', () => {
  expect(
    resourceWords({ name: 'a', requests: { cpu: 0.25, memory: 268435456 }, limits: { memory: 268435456 } }),
  ).toBe('cpu 250m, no limit; memory 256 MiB, limit 256 MiB')
  expect(resourceWords({ name: 'a', requests: { cpu: '250m' } })).toBe('cpu 250m, no limit')
  expect(resourceWords({ name: 'a' })).toBe('none set')
})
