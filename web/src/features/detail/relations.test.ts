import { expect, test } from 'vitest'
import type { Relation } from '../../api/types'
import { groupRelations } from './relations'

const aRelation = (relation: string, direction: 'in' | 'out', name: string): Relation => ({
  relation,
  direction,
  resource: { kind: 'Pod', namespace: 'shop', name },
  status: null,
  detail: '',
})

test('relations are grouped by how they read from the object, incoming first', () => {
  const groups = groupRelations([
    aRelation('mounts', 'out', 'a'),
    aRelation('owns', 'in', 'b'),
    aRelation('mounts', 'out', 'c'),
  ])
  expect(groups.map((group) => [group.title, group.items.length])).toEqual([
    ['Owned by', 1],
    ['Mounts', 2],
  ])
})

test('a relation that nobody listed is still shown, and its direction too', () => {
  expect(groupRelations([aRelation('mirrors', 'in', 'a')])[0]?.title).toBe('Mirrors (from)')
})
