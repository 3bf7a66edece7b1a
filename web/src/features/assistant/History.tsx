import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { removeConversation } from '../../api/commands'
import { conversationsQuery } from '../../api/queries'
import { clockTime } from '../../kinds/format'
import { IconButton } from '../../ui/Button'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { useConversation } from './useConversation'
import styles from './History.module.css'

/** Earlier conversations, the last used first. They are kept by the server. */
export function History({ onOpened }: { onOpened: () => void }) {
  const conversations = useQuery({ ...conversationsQuery(), staleTime: 0 })
  const { open, startNew, transcript } = useConversation()
  const queries = useQueryClient()
  const remove = useMutation({
    mutationFn: removeConversation,
    onSuccess: (_, id) => {
      if (id === transcript.conversation) {
        startNew()
      }
      return queries.invalidateQueries({ queryKey: ['conversations'] })
    },
  })
  return (
    <div className={styles.history}>
      {conversations.isPending && <SkeletonRows />}
      {conversations.isError && (
        <ErrorNotice error={conversations.error} onRetry={() => void conversations.refetch()} />
      )}
      {remove.isError && <ErrorNotice error={remove.error} />}
      {conversations.data?.items.length === 0 && <EmptyState title="No conversations yet" />}
      <ul>
        {conversations.data?.items.map((conversation) => (
          <li key={conversation.id} className={styles.item}>
            <button
              type="button"
              className={styles.open}
              aria-current={conversation.id === transcript.conversation}
              onClick={() => void open(conversation.id).then(onOpened)}
            >
              <span className={styles.title}>{conversation.title || 'Untitled'}</span>
              <span className={styles.time}>{clockTime(conversation.updated_at)}</span>
            </button>
            <IconButton
              icon="trash"
              label={`Delete ${conversation.title || 'the conversation'}`}
              onClick={() => remove.mutate(conversation.id)}
            />
          </li>
        ))}
      </ul>
    </div>
  )
}
