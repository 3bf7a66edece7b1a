import { expect, test } from 'vitest'
import { aProblem } from '../../api/samples'
import type { Problem } from '../../api/types'
import { matching, namespacesOf, problemKey, worstFirst } from './order'

const names = (problems: Problem[]) => problems.map((problem) => problem.resource.name)

test('critical comes before warning, and the surer comes first among equals', () => {
  const problems = [
    aProblem('b', { probability: 0.7 }),
    aProblem('c', { severity: 'critical', probability: 0.6 }),
    aProblem('a', { probability: 0.99 }),
  ]
  expect(names(worstFirst(problems))).toEqual(['c', 'a', 'b'])
})

test('filters by namespace and severity together', () => {
  const problems = [
    aProblem('a', { severity: 'critical' }),
    aProblem('b'),
    aProblem('c', { severity: 'critical', resource: { kind: 'Node', namespace: '', name: 'c' } }),
  ]
  expect(names(matching(problems, { namespace: 'shop', severity: 'critical' }))).toEqual(['a'])
  expect(names(matching(problems, {}))).toEqual(['a', 'b', 'c'])
})

test('namespaces of problems leave out cluster-scoped objects', () => {
  expect(
    namespacesOf([aProblem('n', { resource: { kind: 'Node', namespace: '', name: 'n' } }), aProblem('a')]),
  ).toEqual(['shop'])
})

test('two modes on one object have two keys', () => {
  expect(problemKey(aProblem('a'))).not.toBe(problemKey(aProblem('a', { mode: 'oom' })))
})
