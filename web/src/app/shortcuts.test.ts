import { expect, test } from 'vitest'
import { KeyMatcher, keyCaps, SHORTCUTS } from './shortcuts'

const press = (key: string, more: Partial<KeyboardEvent> = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...more,
})

test('no two shortcuts share their keys', () => {
  const keys = Object.values(SHORTCUTS).map((shortcut) => shortcut.keys)
  expect(new Set(keys).size).toBe(keys.length)
})

test('no shortcut is the first key of a sequence', () => {
  const keys: string[] = Object.values(SHORTCUTS).map((shortcut) => shortcut.keys)
  const firsts = keys.filter((key) => key.includes(' ')).map((key) => key.split(' ')[0])
  expect(keys.filter((key) => firsts.includes(key))).toEqual([])
})

test('g then p goes to pods, and only when pressed soon after', () => {
  const matcher = new KeyMatcher()
  expect(matcher.match(press('g'), 0)).toBeNull()
  expect(matcher.match(press('p'), 300)).toBe('goPods')
  expect(matcher.match(press('g'), 1000)).toBeNull()
  expect(matcher.match(press('p'), 5000)).toBe('previousLogs')
})

test('Ctrl+K and Cmd+K both open the assistant, plain k does not', () => {
  const matcher = new KeyMatcher()
  expect(matcher.match(press('k', { ctrlKey: true }), 0)).toBe('assistant')
  expect(matcher.match(press('K', { metaKey: true }), 0)).toBe('assistant')
  expect(matcher.match(press('k'), 0)).toBeNull()
})

test('a shifted letter differs from the letter, and a shifted sign is the sign', () => {
  const matcher = new KeyMatcher()
  expect(matcher.match(press('S', { shiftKey: true }), 0)).toBe('sortStatus')
  expect(matcher.match(press('?', { shiftKey: true }), 0)).toBe('help')
  expect(matcher.match(press(':', { shiftKey: true }), 0)).toBe('command')
})

test('keys are shown as caps', () => {
  expect(keyCaps('g p')).toEqual(['g', 'p'])
  expect(keyCaps('shift+s')).toEqual(['Shift', 's'])
})
