import { afterEach } from 'vitest'
import { cleanup, configure } from '@testing-library/react'

// happy-dom lays nothing out: without a height the virtualised list renders no row at all, and a test of it
// would pass with nothing in it. So elements get a screen-like size, and observers that never fire.
const SIZES = { clientHeight: 640, clientWidth: 1200, offsetHeight: 640, offsetWidth: 1200 }

// Tests of pure code may ask for the plain Node environment, which has no elements.
if (typeof HTMLElement !== 'undefined') {
  for (const [property, value] of Object.entries(SIZES)) {
    Object.defineProperty(HTMLElement.prototype, property, { configurable: true, value })
  }
  globalThis.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  }
}

// Parts of the page are loaded when they are opened; on a busy machine that takes more than the library's one second.
configure({ asyncUtilTimeout: 15_000 })

afterEach(cleanup)
