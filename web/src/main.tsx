import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import './styles/tokens.css'
import './styles/base.css'
import { ApiError } from './api/errors'
import { router } from './app/router'
import { listenForShortcuts } from './app/shortcuts'
import { followSystemTheme } from './app/theme'

const MAX_RETRIES = 2

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, query) => {
      // A session that ended while the page was open: ask who the reader is, and the shell shows the sign-in page.
      if (error instanceof ApiError && error.status === 401 && query.queryKey[0] !== 'me') {
        void queries.invalidateQueries({ queryKey: ['me'] })
      }
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      // What the server refused it will refuse again; only no answer and 5xx are worth a second try.
      retry: (failures, error) =>
        failures < MAX_RETRIES && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
})

followSystemTheme()
listenForShortcuts(window)

const container = document.getElementById('root')
if (!container) {
  throw new Error('index.html has no #root')
}
createRoot(container).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
)
