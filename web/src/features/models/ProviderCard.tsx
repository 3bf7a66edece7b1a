import { useState } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { changeProvider, testProvider } from '../../api/commands'
import type { ModelProvider } from '../../api/types'
import { clockTime, NONE } from '../../kinds/format'
import { Button, IconButton } from '../../ui/Button'
import { ErrorNotice } from '../../ui/Notice'
import { StatusShape, StatusWord } from '../../ui/Status'
import { KeyDialog, RemoveProviderDialog } from './ProviderDialogs'
import { KINDS, standingOf } from './words'
import styles from './ModelsPage.module.css'

interface ProviderCardProps {
  provider: ModelProvider
  /** The provider that is asked before this one. */
  previous: ModelProvider | undefined
  mayChange: boolean
}

export function ProviderCard({ provider, previous, mayChange }: ProviderCardProps) {
  const [dialog, setDialog] = useState<'key' | 'remove' | null>(null)
  const queries = useQueryClient()
  const settled = () => queries.invalidateQueries({ queryKey: ['models'] })
  const test = useMutation({ mutationFn: () => testProvider(provider.id), onSettled: settled })
  const change = useMutation({
    mutationFn: (wanted: { enabled: boolean }) => changeProvider(provider.id, wanted),
    onSettled: settled,
  })
  const moveUp = useMutation({
    mutationFn: async (before: ModelProvider) => {
      await changeProvider(provider.id, { position: before.position })
      await changeProvider(before.id, { position: provider.position })
    },
    onSettled: settled,
  })
  const { level, word } = standingOf(provider)
  return (
    <li className={styles.card}>
      <div className={styles.head}>
        <div className={styles.title}>
          <h2>{provider.name}</h2>
          <StatusWord level={level} word={word} />
        </div>
        {mayChange && (
          <div className={styles.actions}>
            <Button onClick={() => test.mutate()} disabled={test.isPending}>
              {test.isPending ? 'Testing…' : 'Test'}
            </Button>
            <Button onClick={() => setDialog('key')}>
              {provider.key_set_at ? 'Replace the key' : 'Set the key'}
            </Button>
            <Button onClick={() => change.mutate({ enabled: !provider.enabled })} disabled={change.isPending}>
              {provider.enabled ? 'Turn off' : 'Turn on'}
            </Button>
            {previous && (
              <IconButton
                icon="arrowUp"
                label={`Ask ${provider.name} before ${previous.name}`}
                disabled={moveUp.isPending}
                onClick={() => moveUp.mutate(previous)}
              />
            )}
            <IconButton icon="trash" label={`Remove ${provider.name}`} onClick={() => setDialog('remove')} />
          </div>
        )}
      </div>
      <Facts provider={provider} />
      {test.isError && <ErrorNotice error={test.error} title="The test did not finish" />}
      {change.isError && <ErrorNotice error={change.error} />}
      {moveUp.isError && <ErrorNotice error={moveUp.error} />}
      <Steps provider={provider} />
      {dialog === 'key' && <KeyDialog provider={provider} onClose={() => setDialog(null)} />}
      {dialog === 'remove' && <RemoveProviderDialog provider={provider} onClose={() => setDialog(null)} />}
    </li>
  )
}

function Facts({ provider }: { provider: ModelProvider }) {
  const { profile } = provider
  const abilities = [profile.tools && 'tools', profile.json_schema && 'JSON Schema'].filter(Boolean)
  const facts = [
    ['Kind', KINDS[provider.kind].title],
    ['Model', provider.model],
    ['Address', provider.base_url || 'its own'],
    ['Key', provider.key_set_at ? `set ${clockTime(provider.key_set_at)}` : 'none'],
    ['Context', `${profile.context_tokens.toLocaleString('en')} tokens${profile.known ? '' : ' (assumed)'}`],
    ['Abilities', abilities.join(', ') || (profile.known ? NONE : 'not known')],
    ['Price', provider.price_known ? 'known' : 'not known: counted in tokens'],
  ] as const
  return (
    <dl className={styles.facts}>
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** What the last test found, step by step. */
function Steps({ provider }: { provider: ModelProvider }) {
  if (provider.test_steps.length === 0) {
    return null
  }
  return (
    <ul className={styles.steps} aria-label={`Test of ${provider.name}, ${clockTime(provider.tested_at)}`}>
      {provider.test_steps.map((step) => (
        <li key={step.name}>
          <StatusShape level={step.ok ? 'ok' : 'warn'} />
          <span>
            <strong>{step.name}</strong>: {step.message} ({step.took_s.toFixed(1)} s)
          </span>
        </li>
      ))}
    </ul>
  )
}
