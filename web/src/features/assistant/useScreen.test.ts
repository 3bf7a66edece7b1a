import { expect, test } from 'vitest'
import { screenOf } from './useScreen'

test('an open side panel is the subject, not the list under it', () => {
  const screen = screenOf('/c/c1/k/Pod', { kind: 'Pod' }, { namespace: 'shop', open: 'shop/cart-1' })
  expect(screen.context).toEqual({ page: 'detail', kind: 'Pod', namespace: 'shop', name: 'cart-1' })
  expect(screen.text).toBe('Pod shop/cart-1')
})

test('a cluster-scoped object has no namespace', () => {
  const screen = screenOf('/c/c1/k/Node/-/n1', { kind: 'Node', namespace: '-', name: 'n1' }, {})
  expect(screen.context).toEqual({ page: 'detail', kind: 'Node', name: 'n1' })
})

test('pages without an object say which page they are', () => {
  expect(screenOf('/c/c1', {}, {}).text).toBe('overview')
  expect(screenOf('/c/c1/problems', {}, { namespace: 'shop' }).context).toEqual({
    page: 'problems',
    namespace: 'shop',
  })
  expect(screenOf('/c/c1/k/Pod', { kind: 'Pod' }, {}).text).toBe('Pod list')
  expect(screenOf('/investigations', {}, {}).text).toBe('investigations')
  expect(screenOf('/clusters', {}, {}).text).toBe('clusters')
})

test('on the page of an investigation it is spoken of that one', () => {
  const screen = screenOf('/c/c1/investigations/iv_a', { investigation: 'iv_a' }, {})
  expect(screen.context).toEqual({ page: 'investigation', investigation: 'iv_a' })
})
