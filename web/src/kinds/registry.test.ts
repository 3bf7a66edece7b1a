import { expect, test } from 'vitest'
import { aKind } from '../api/samples'
import { cellText, valueOf } from './Cell'
import { KindRegistry } from './registry'

const registry = new KindRegistry([
  aKind('Role', 'roles', { category: 'Access', group: 'rbac.authorization.k8s.io' }),
  aKind('Pod', 'pods', { short_names: ['po'] }),
  aKind('Widget', 'widgets', { category: 'Extensions', group: 'example.com' }),
])

test('a kind is found by kind, plural, short name and plural.group, in any case', () => {
  for (const name of ['Pod', 'pods', 'PO', 'pod']) {
    expect(registry.find(name)?.kind).toBe('Pod')
  }
  expect(registry.find('roles.rbac.authorization.k8s.io')?.kind).toBe('Role')
  expect(registry.find('nothing')).toBeUndefined()
})

test('categories keep the order of the product, and one that the server adds comes last', () => {
  expect(registry.categories().map((category) => category.name)).toEqual([
    'Workloads',
    'Access',
    'Extensions',
  ])
})

const NOW = Date.parse('2026-11-22T10:00:00Z')

test('each column type has its own text', () => {
  expect(cellText('cpu', 0.25, NOW)).toBe('250m')
  expect(cellText('bytes', 2048, NOW)).toBe('2 KiB')
  expect(cellText('ratio', 0.42, NOW)).toBe('42%')
  expect(cellText('ratio', '2/3', NOW)).toBe('2/3')
  expect(cellText('age', '2026-11-22T09:00:00Z', NOW)).toBe('1h')
  expect(cellText('age', 90, NOW)).toBe('90s')
  expect(cellText('list', ['a', 'b'], NOW)).toBe('a, b')
  expect(cellText('ref', { kind: 'Node', name: 'n1' }, NOW)).toBe('Node/n1')
  expect(cellText('status', { level: 'crit', word: 'CrashLoopBackOff' }, NOW)).toBe('CrashLoopBackOff')
  expect(cellText('number', 12345, NOW)).toBe('12,345')
})

test('no data is a dash and zero is a zero', () => {
  expect(cellText('number', null, NOW)).toBe('–')
  expect(cellText('number', 0, NOW)).toBe('0')
  expect(cellText('health', null, NOW)).toBe('–')
})

test('an age column without a value of its own shows the age of the object', () => {
  expect(valueOf({ created_at: '2026-11-22T09:00:00Z' }, { key: 'age', type: 'age' })).toBe(
    '2026-11-22T09:00:00Z',
  )
})
