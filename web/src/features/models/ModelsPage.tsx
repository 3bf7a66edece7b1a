import { useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { providersQuery } from '../../api/queries'
import { useMayAdminister } from '../../api/roles'
import { Button } from '../../ui/Button'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { BudgetsCard } from './BudgetsCard'
import { ProviderCard } from './ProviderCard'
import { AddProviderDialog } from './ProviderDialogs'
import { UsageCard } from './UsageCard'
import styles from './ModelsPage.module.css'

/** Language models: which are asked and in which order, what they used, and how much they may. */
export function ModelsPage() {
  const providers = useQuery(providersQuery())
  const mayChange = useMayAdminister()
  const [adding, setAdding] = useState(false)
  const items = providers.data?.items
  const add = mayChange && (
    <Button tone="primary" icon="plus" onClick={() => setAdding(true)}>
      Add a provider
    </Button>
  )
  return (
    <div className={styles.page}>
      <PageHeader title="Language models">{add}</PageHeader>
      <p className={styles.note}>
        Everything works without a model. Providers are asked in this order; when one fails, the next goes on,
        and at the end stands the answer without a model. Credentials are masked in all that is sent.
      </p>
      {providers.isError && (
        <ErrorNotice
          error={providers.error}
          title={items ? 'The providers could not be read again; below is the last answer' : undefined}
          onRetry={() => void providers.refetch()}
        />
      )}
      {providers.isPending && <SkeletonRows count={3} label="Loading providers" />}
      {items?.length === 0 && <EmptyState title="No provider is set up">{add}</EmptyState>}
      <ul className={styles.list} aria-label="Providers">
        {items?.map((provider, index) => (
          <ProviderCard
            key={provider.id}
            provider={provider}
            previous={items[index - 1]}
            mayChange={mayChange}
          />
        ))}
      </ul>
      <div className={styles.pair}>
        <UsageCard />
        <BudgetsCard mayChange={mayChange} />
      </div>
      {adding && <AddProviderDialog onClose={() => setAdding(false)} />}
    </div>
  )
}
