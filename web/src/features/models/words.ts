import type { Level, ModelProvider } from '../../api/types'

/** The kinds of providers, as a person knows them. `address`: a base URL is needed, may be given, or has a usual value. */
export const KINDS: Record<ModelProvider['kind'], { title: string; address: string; needsAddress: boolean }> =
  {
    anthropic: { title: 'Anthropic', address: 'https://api.anthropic.com', needsAddress: false },
    openai: { title: 'OpenAI', address: 'https://api.openai.com/v1', needsAddress: false },
    ollama: { title: 'Ollama', address: 'http://127.0.0.1:11434', needsAddress: false },
    compatible: {
      title: 'OpenAI-compatible (vLLM, llama.cpp, LM Studio, LocalAI)',
      address: 'http://127.0.0.1:8080/v1',
      needsAddress: true,
    },
  }

/** What is known of a provider, in one word. */
export function standingOf(provider: ModelProvider): { level: Level; word: string } {
  if (!provider.enabled) {
    return { level: 'unknown', word: 'Off' }
  }
  if (provider.resting) {
    return { level: 'warn', word: 'Resting after failures' }
  }
  if (provider.test_ok === null) {
    return { level: 'unknown', word: 'Not tested' }
  }
  return provider.test_ok ? { level: 'ok', word: 'Answers' } : { level: 'crit', word: 'Test failed' }
}

/** Dollars with as many digits as they need: calls cost fractions of a cent. */
export function dollars(usd: number): string {
  return `$${usd.toFixed(usd !== 0 && usd < 1 ? 4 : 2)}`
}

/** What a counter cost. Calls of unknown price are named, never taken for free. */
export function costWords({ usd, unpriced }: { usd: number; unpriced: number }): string {
  return unpriced > 0
    ? `${dollars(usd)} and ${unpriced} ${unpriced === 1 ? 'call' : 'calls'} of unknown price`
    : dollars(usd)
}
