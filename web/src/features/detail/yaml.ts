export interface Token {
  type: 'text' | 'key' | 'string' | 'number' | 'comment'
  text: string
}

const KEY = /^(\s*(?:- )*)("[^"]*"|'[^']*'|[^\s#:'"][^:#]*?)(:)(?=\s|$)/
const CONSTANT = /^(?:[-+]?\d[\d_.eE+-]*|true|false|null|~)$/

/** Colours one line of block-style YAML. For reading only: what it cannot tell apart stays plain text. */
export function yamlTokens(line: string): Token[] {
  const key = KEY.exec(line)
  if (!key) {
    const [, lead = '', rest = ''] = /^(\s*(?:- )*)(.*)$/.exec(line) ?? []
    return compact([{ type: 'text', text: lead }, ...valueTokens(rest)])
  }
  const [whole, lead = '', name = '', colon = ''] = key
  return compact([
    { type: 'text', text: lead },
    { type: 'key', text: name },
    { type: 'text', text: colon },
    ...valueTokens(line.slice(whole.length)),
  ])
}

function valueTokens(text: string): Token[] {
  const [, space = '', value = '', comment = ''] = /^(\s*)(.*?)(\s+#.*)?$/.exec(text) ?? []
  const type = value.startsWith('#')
    ? 'comment'
    : CONSTANT.test(value)
      ? 'number'
      : isBlockMark(value)
        ? 'text'
        : 'string'
  return [
    { type: 'text', text: space },
    { type, text: value },
    { type: 'comment', text: comment },
  ]
}

function isBlockMark(value: string): boolean {
  return value === '' || /^[|>][-+\d]*$/.test(value) || value === '{}' || value === '[]'
}

function compact(tokens: Token[]): Token[] {
  return tokens.filter((token) => token.text !== '')
}
