import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { fireEvent, render, screen } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { aPerson } from '../../api/samples'
import { InvestigateButton } from './InvestigateButton'

type Role = Parameters<typeof aPerson>[0]

const went = vi.fn()
vi.mock('@tanstack/react-router', () => ({ useNavigate: () => went }))

const asked = { cluster: 'cl_a', question: 'Why does checkout fail?' }

function shown(role: Role, start: () => Response) {
  const sent: unknown[] = []
  vi.stubGlobal('fetch', (address: RequestInfo | URL, init?: RequestInit) => {
    if (String(address) === '/api/v1/me') {
      return Promise.resolve(Response.json(aPerson(role)))
    }
    sent.push(JSON.parse(String(init?.body)))
    return Promise.resolve(start())
  })
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <InvestigateButton asked={asked} />
    </QueryClientProvider>,
  )
  return sent
}

afterEach(() => {
  vi.unstubAllGlobals()
  went.mockReset()
})

test('one press starts it and opens its page', async () => {
  const sent = shown('operator', () => Response.json({ id: 'iv_new', status: 'created' }, { status: 202 }))
  fireEvent.click(await screen.findByRole('button', { name: 'Investigate' }))
  await vi.waitFor(() =>
    expect(went).toHaveBeenCalledWith({
      to: '/c/$cluster/investigations/$investigation',
      params: { cluster: 'cl_a', investigation: 'iv_new' },
    }),
  )
  expect(sent).toEqual([asked])
})

test('a refusal is shown with what to do', async () => {
  const error = {
    code: 'unknown_cluster',
    message: 'There is no such cluster.',
    remedy: 'Choose another.',
    details: {},
  }
  shown('admin', () => Response.json({ error }, { status: 404 }))
  fireEvent.click(await screen.findByRole('button', { name: 'Investigate' }))
  expect((await screen.findByRole('alert')).textContent).toContain('Choose another.')
  expect(went).not.toHaveBeenCalled()
})

test('who may not start one is not offered to', async () => {
  shown('viewer', () => Response.json({}))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(screen.queryByRole('button')).toBeNull()
})
