import { expect, test } from 'vitest'
import type { Cluster } from '../../api/types'
import { isSimulated, startCluster } from './simulated'

const cluster = (id: string, version: string) => ({ id, version }) as Cluster
const items = [
  cluster('recorded', 'v1.34.1'),
  cluster('demo', 'v1.36.2-sim'),
  cluster('eks', 'v1.33.4-eks-a1b2'),
]

test('a cluster is simulated when its version ends so, and only then', () => {
  expect(items.filter(isSimulated).map(({ id }) => id)).toEqual(['demo'])
  expect(isSimulated(cluster('odd', 'v1.36.0-sim.2'))).toBe(false)
  expect(isSimulated(undefined)).toBe(false)
})

test('the first screen is the cluster that was open last, else the demo, else the first', () => {
  expect(startCluster(items, 'eks')?.id).toBe('eks')
  expect(startCluster(items, 'gone')?.id).toBe('demo')
  expect(startCluster([items[0]!, items[2]!], null)?.id).toBe('recorded')
  expect(startCluster([], null)).toBeUndefined()
})
