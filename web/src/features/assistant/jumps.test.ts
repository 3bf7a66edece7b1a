import { expect, test } from 'vitest'
import { aKind } from '../../api/samples'
import type { Cluster } from '../../api/types'
import { KindRegistry } from '../../kinds/registry'
import { jumps } from './jumps'

const kinds = new KindRegistry([
  aKind('Pod', 'pods', { title: 'Pods', short_names: ['po'] }),
  aKind('PodDisruptionBudget', 'poddisruptionbudgets', {
    title: 'Pod disruption budgets',
    short_names: ['pdb'],
  }),
  aKind('Node', 'nodes', { title: 'Nodes', namespaced: false, short_names: ['no'] }),
])
const aCluster = (id: string, name: string) => ({ id, name }) as Cluster
const places = { kinds, clusters: [aCluster('c1', 'prod-eu-1'), aCluster('c2', 'staging')], cluster: 'c2' }
const titles = (text: string) => jumps(text, places).map((jump) => jump.title)

test('an exact name comes before names that start with it', () => {
  expect(titles('pod')).toEqual(['Pods', 'Pod disruption budgets'])
  expect(titles('po')[0]).toBe('Pods')
})

test('a question means no place', () => {
  expect(titles('what is wrong?')).toEqual([])
  expect(titles('why is cart failing')).toEqual([])
})

test('clusters are found by a part of their name', () => {
  expect(titles('prod-eu')).toEqual(['prod-eu-1'])
})

test(':po payments @prod goes to pods of payments on that cluster', () => {
  expect(jumps(':po payments @prod', places)[0]?.target).toEqual({
    page: 'list',
    cluster: 'c1',
    kind: 'Pod',
    namespace: 'payments',
    q: undefined,
  })
})

test(':po /failing filters, and a namespace on a cluster-scoped kind is ignored', () => {
  expect(jumps(':po /failing', places)[0]?.target).toMatchObject({ q: 'failing', cluster: 'c2' })
  expect(jumps(':no payments', places)[0]?.target).toMatchObject({ namespace: undefined })
})

test('a command that is not finished proposes kinds', () => {
  expect(titles(':nod')).toEqual(['Nodes'])
  expect(titles(':')).toEqual([])
})

test('a cluster that does not exist gives no jump rather than the wrong cluster', () => {
  expect(jumps(':po @nowhere', places)).toEqual([])
})
