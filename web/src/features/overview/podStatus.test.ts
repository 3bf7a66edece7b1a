import { expect, test } from 'vitest'
import { levelOfPodWord, podParts } from './podStatus'

test('failing words come first, then by number', () => {
  const parts = podParts({ Running: 80, Pending: 4, CrashLoopBackOff: 2, ImagePullBackOff: 5 })
  expect(parts.map((part) => part.name)).toEqual([
    'ImagePullBackOff',
    'CrashLoopBackOff',
    'Pending',
    'Running',
  ])
})

test('a word that nobody listed counts as a failure, never as well', () => {
  expect(levelOfPodWord('RunContainerError')).toBe('crit')
  expect(levelOfPodWord('Init:CrashLoopBackOff')).toBe('crit')
  expect(levelOfPodWord('Init:0/2')).toBe('progress')
  expect(levelOfPodWord('Completed')).toBe('ok')
})
