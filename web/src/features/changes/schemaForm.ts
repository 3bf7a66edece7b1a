/** A form from the JSON schema of an action's arguments. Only what those schemas use is understood. */

interface Property {
  type?: string
  enum?: string[]
  default?: unknown
  description?: string
  title?: string
  pattern?: string
  minimum?: number
  maximum?: number
  maxLength?: number
  anyOf?: unknown[]
}

export interface FormField {
  name: string
  label: string
  hint: string
  input: 'text' | 'area' | 'json' | 'number' | 'switch' | 'choice'
  choices: string[]
  required: boolean
  minimum?: number
  maximum?: number
  pattern?: string
  maxLength?: number
  /** What the form starts with. */
  start: string
}

/** Longer texts than this get more than one line. */
const ONE_LINE_CHARS = 1_000

export function fieldsOf(schema: Record<string, unknown>): FormField[] {
  const properties = (schema.properties ?? {}) as Record<string, Property>
  const required = new Set((schema.required ?? []) as string[])
  return Object.entries(properties).map(([name, property]) => ({
    name,
    label: label(name),
    hint: property.description ?? '',
    input: inputOf(property),
    choices: property.enum ?? [],
    required: required.has(name),
    minimum: property.minimum,
    maximum: property.maximum,
    pattern: property.pattern,
    maxLength: property.maxLength,
    start: property.default === undefined ? '' : String(property.default),
  }))
}

function inputOf(property: Property): FormField['input'] {
  if (property.enum) {
    return 'choice'
  }
  if (property.anyOf || property.type === 'object' || property.type === 'array') {
    return 'json'
  }
  if (property.type === 'boolean') {
    return 'switch'
  }
  if (property.type === 'integer' || property.type === 'number') {
    return 'number'
  }
  return (property.maxLength ?? 0) > ONE_LINE_CHARS ? 'area' : 'text'
}

function label(name: string): string {
  const words = name.replaceAll('_', ' ').replace(/\bcpu\b/, 'CPU')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export interface Filled {
  values: Record<string, unknown>
  /** What is wrong, by field. */
  errors: Record<string, string>
}

/** Typed arguments from what was typed. An empty optional field is left out: its default then holds. */
export function filled(fields: FormField[], typed: Record<string, string>): Filled {
  const values: Record<string, unknown> = {}
  const errors: Record<string, string> = {}
  for (const field of fields) {
    const text =
      field.input === 'area' || field.input === 'json'
        ? (typed[field.name] ?? '')
        : (typed[field.name] ?? '').trim()
    if (text === '') {
      if (field.required) {
        errors[field.name] = `${field.label} is needed.`
      }
      continue
    }
    const error = read(field, text, values)
    if (error) {
      errors[field.name] = error
    }
  }
  return { values, errors }
}

function read(field: FormField, text: string, values: Record<string, unknown>): string {
  if (field.input === 'number') {
    const number = Number(text)
    const { minimum = -Infinity, maximum = Infinity } = field
    if (!Number.isInteger(number) || number < minimum || number > maximum) {
      return Number.isFinite(maximum)
        ? `${field.label} is a whole number from ${minimum} to ${maximum}.`
        : `${field.label} is a whole number from ${minimum}.`
    }
    values[field.name] = number
    return ''
  }
  if (field.input === 'json') {
    try {
      values[field.name] = JSON.parse(text)
      return ''
    } catch (error) {
      return `${field.label} is not JSON: ${error instanceof Error ? error.message : String(error)}`
    }
  }
  if (field.input !== 'switch' && field.pattern && !new RegExp(field.pattern).test(text)) {
    return `${field.label} has characters that it cannot have.`
  }
  values[field.name] = field.input === 'switch' ? text === 'true' : text
  return ''
}
