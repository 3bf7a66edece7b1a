import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { aPerson } from '../../api/samples'
import { NoticeBell } from './NoticeBell'

vi.mock('@tanstack/react-router', () => ({
  Link: ({ children, params }: { children: React.ReactNode; params: { change: string } }) => (
    <a href={`/changes/${params.change}`}>{children}</a>
  ),
}))

const NOTICES = ['20260105T090001000000-b', '20260105T090000000000-a'].map((id) => ({
  id,
  at: '2026-01-05T09:00:00Z',
  severity: 'critical',
  title: `Failed: ${id.slice(-1)}`,
  text: 'A pod is not ready.',
  cluster: 'cl_a',
  change: `ch_${id.slice(-1)}`,
}))

beforeEach(() => {
  localStorage.clear()
  vi.stubGlobal('fetch', () =>
    Promise.resolve(Response.json({ items: NOTICES, next: null, total: 2, gaps: [] })),
  )
})

afterEach(() => vi.unstubAllGlobals())

function bell(user: string) {
  return render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <NoticeBell me={aPerson('operator', user)} />
    </QueryClientProvider>,
  )
}

test('what is new is counted until it was looked at, for each person by themselves', async () => {
  const first = bell('ada')
  fireEvent.click(await screen.findByRole('button', { name: 'Notices, 2 new' }))
  expect((await screen.findByRole('link', { name: 'Failed: b' })).getAttribute('href')).toBe('/changes/ch_b')
  expect(screen.getAllByRole('listitem')).toHaveLength(2)
  fireEvent.keyDown(screen.getByRole('link', { name: 'Failed: b' }), { key: 'Escape' })
  await screen.findByRole('button', { name: 'Notices' })
  first.unmount()

  const again = bell('ada')
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(screen.getByRole('button').getAttribute('aria-label')).toBe('Notices')
  again.unmount()

  bell('bob')
  await screen.findByRole('button', { name: 'Notices, 2 new' })
})
