/// <reference types="vitest/config" />
import react from '@vitejs/plugin-react'
import { readFileSync } from 'node:fs'
import { defineConfig } from 'vite'

/** Where `npm run dev` finds the API; the product itself is served from build/web by the gateway. */
const api = process.env.KUBILITICS_API ?? 'http://127.0.0.1:8000'

/** The local administrator's token: the sign-in cookie belongs to the product's own address, not to Vite's. */
function authorization(): Record<string, string> {
  try {
    const token = readFileSync(new URL('../.local/token', import.meta.url), 'utf8').trim()
    return { Authorization: `Bearer ${token}` }
  } catch {
    return {}
  }
}

const proxied = { target: api, changeOrigin: true, headers: authorization() }

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../build/web',
    emptyOutDir: true,
    target: 'es2022',
    // The page's content-security policy forbids inline scripts and data: fonts, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': proxied, '/ws': { ...proxied, ws: true } },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/app/testing.ts'],
    testTimeout: 60_000,
    css: { modules: { classNameStrategy: 'non-scoped' } },
    restoreMocks: true,
  },
})
