import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { fireEvent, render, screen, within } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { aPerson } from '../../api/samples'
import type { Me, ModelProvider } from '../../api/types'
import { ModelsPage } from './ModelsPage'

const profile = {
  context_tokens: 8192,
  max_output_tokens: 2048,
  tools: false,
  json_schema: true,
  stream_usage: false,
  output_limit: 'max_tokens',
  temperature: true,
  known: false,
}

function provider(name: string, position: number, more: Partial<ModelProvider> = {}): ModelProvider {
  return {
    id: `lp_${name}`,
    kind: 'compatible',
    name,
    model: 'm',
    base_url: 'http://127.0.0.1:8080/v1',
    position,
    enabled: true,
    key_set_at: null,
    profile,
    price_known: false,
    resting: false,
    tested_at: null,
    test_ok: null,
    test_steps: [],
    ...more,
  }
}

const usage = {
  month: '2026-11',
  total: {
    period: '2026-11',
    user: null,
    calls: 2,
    failed: 1,
    unpriced: 1,
    input_tokens: 1200,
    output_tokens: 30,
    usd: 0.0012,
    models: [],
  },
  users: [],
  days: [],
  prices: { source: 'genai-prices 0.2.3', as_of: '2026-11-22' },
}

interface Sent {
  method: string
  address: string
  body: unknown
}

function shown(role: Me['role'], items: ModelProvider[], answers: Record<string, () => Response> = {}) {
  const sent: Sent[] = []
  vi.stubGlobal('fetch', (input: RequestInfo | URL, init?: RequestInit) => {
    const address = String(input).replace('/api/v1', '')
    const method = init?.method ?? 'GET'
    if (method !== 'GET') {
      sent.push({ method, address, body: init?.body ? JSON.parse(String(init.body)) : undefined })
      return Promise.resolve(answers[`${method} ${address}`]?.() ?? Response.json(items[0] ?? {}))
    }
    const found: Record<string, unknown> = {
      '/me': aPerson(role),
      '/llm/providers': { items, next: null, total: items.length, gaps: [] },
      '/llm/usage': usage,
      '/llm/budgets': {
        items: [
          { scope: 'tenant', period: 'month', usd: 20, tokens: null, used_usd: 0.5, used_tokens: 1230 },
        ],
      },
    }
    return Promise.resolve(Response.json(found[address]))
  })
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <ModelsPage />
    </QueryClientProvider>,
  )
  return sent
}

afterEach(() => {
  vi.unstubAllGlobals()
})

test('a new provider is sent once, with its key, and the dialog closes', async () => {
  const sent = shown('admin', [])
  fireEvent.click((await screen.findAllByRole('button', { name: 'Add a provider' }))[0]!)
  const dialog = await screen.findByRole('dialog')
  const fill = (label: string, value: string) =>
    fireEvent.change(within(dialog).getByLabelText(label), { target: { value } })
  fireEvent.change(within(dialog).getByLabelText('Kind'), { target: { value: 'openai' } })
  fill('Name', 'main')
  fill('Model', 'gpt-6.1-sol')
  fill('Key', 'a-key')
  expect(within(dialog).getByLabelText('Key').getAttribute('type')).toBe('password')
  fireEvent.click(within(dialog).getByRole('button', { name: 'Add' }))
  await vi.waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  expect(sent).toEqual([
    {
      method: 'POST',
      address: '/llm/providers',
      body: { kind: 'openai', name: 'main', model: 'gpt-6.1-sol', base_url: '', key: 'a-key' },
    },
  ])
})

test('a test shows what each step found', async () => {
  const step = { name: 'chat', ok: false, message: 'local answered 401: no', took_s: 0.21 }
  shown('admin', [provider('local', 0, { test_ok: false, test_steps: [step] })])
  expect(await screen.findByText('Test failed')).toBeTruthy()
  expect(screen.getByText(/local answered 401: no/)).toBeTruthy()
})

test('a refused test says why and what to do', async () => {
  const error = { code: 'llm_budget_exceeded', message: 'It would pass.', remedy: 'Raise it.', details: {} }
  shown('admin', [provider('local', 0)], {
    'POST /llm/providers/lp_local/test': () => Response.json({ error }, { status: 429 }),
  })
  fireEvent.click(await screen.findByRole('button', { name: 'Test' }))
  expect((await screen.findByRole('alert')).textContent).toContain('Raise it.')
})

test('the order is changed by one step up', async () => {
  const sent = shown('admin', [provider('first', 0), provider('second', 3)])
  fireEvent.click(await screen.findByRole('button', { name: 'Ask second before first' }))
  await vi.waitFor(() => expect(sent.length).toBe(2))
  expect(sent.map(({ address, body }) => [address, body])).toEqual([
    ['/llm/providers/lp_second', { position: 0 }],
    ['/llm/providers/lp_first', { position: 3 }],
  ])
})

test('budgets are saved as they were typed, and an empty field is no limit', async () => {
  const sent = shown('admin', [], { 'PUT /llm/budgets': () => Response.json({ items: [] }) })
  const dollars = await screen.findByLabelText('All, a month: dollars')
  expect(dollars.getAttribute('value')).toBe('20')
  fireEvent.change(dollars, { target: { value: '' } })
  fireEvent.change(screen.getByLabelText('Each person, a day: tokens'), { target: { value: '50000' } })
  fireEvent.click(screen.getByRole('button', { name: 'Save the budgets' }))
  expect(await screen.findByText('Saved.')).toBeTruthy()
  expect(sent[0]?.body).toEqual({ items: [{ scope: 'user', period: 'day', usd: null, tokens: 50000 }] })
})

test('an auditor sees use and budgets, and changes nothing', async () => {
  shown('auditor', [provider('local', 0)])
  expect(await screen.findByText('$0.0012 and 1 call of unknown price')).toBeTruthy()
  expect(screen.queryByRole('button', { name: 'Add a provider' })).toBeNull()
  expect(screen.queryByRole('button', { name: 'Test' })).toBeNull()
  expect((await screen.findByLabelText('All, a month: dollars')).hasAttribute('disabled')).toBe(true)
})
