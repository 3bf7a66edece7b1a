import { expect, test } from 'vitest'
import { refKey, refOf } from './ResourceLink'

test('a reference is read from its text, with and without a namespace', () => {
  expect(refOf('Pod shop/cart-1')).toEqual({ kind: 'Pod', namespace: 'shop', name: 'cart-1' })
  expect(refOf('Pod/shop/cart-1')).toEqual({ kind: 'Pod', namespace: 'shop', name: 'cart-1' })
  expect(refOf('Node/ip-10-0-3-17')).toEqual({ kind: 'Node', namespace: undefined, name: 'ip-10-0-3-17' })
  expect(refOf('Node ip-10-0-3-17')).toEqual({ kind: 'Node', namespace: undefined, name: 'ip-10-0-3-17' })
})

test('objects of one name in two namespaces have two keys', () => {
  expect(refKey({ kind: 'Pod', namespace: 'a', name: 'x' })).not.toBe(
    refKey({ kind: 'Pod', namespace: 'b', name: 'x' }),
  )
})
