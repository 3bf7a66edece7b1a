import { expect, test } from 'vitest'
import type { Action } from '../../api/types'
import { actionsFor } from './ActionMenu'

const action = (name: string, kinds: string[]): Action => ({
  name,
  title: name,
  description: '',
  kinds,
  arguments: {},
})

test('an object is offered what is for its kind, then what is for any, and nothing else', () => {
  const all = [
    action('delete', ['*']),
    action('scale', ['Deployment', 'StatefulSet']),
    action('drain', ['Node']),
    action('apply', []),
  ]
  const names = (kind: string) => actionsFor(kind, all).map(({ name }) => name)
  expect(names('Deployment')).toEqual(['scale', 'delete'])
  expect(names('Node')).toEqual(['drain', 'delete'])
  expect(names('ConfigMap')).toEqual(['delete'])
})
