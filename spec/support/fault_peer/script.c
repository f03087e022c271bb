/* Rules and scripts of the fault peer: from words to what is done next. See
** fault_peer.lua for the language. Rules live as long as the program.
*/
#include "peer.h"

#include <stdlib.h>
#include <string.h>

static fp_rule *conn_rules, *call_rules;

/* ---- steps ---- */

static const fp_step_kind *find_kind(const char *name) {
  const fp_step_kind *k;
  for (k = fp_step_kinds; k->name; k++)
    if (strcmp(name, k->name) == 0) return k;
  return NULL;
}

/* A message's own options (flag= length= first=) come before its kind. */
static bool message_fits(int n, char **words) {
  fp_bytes scratch = {0};
  bool fits;
  for (; n > 0 && strchr(words[0], '='); n--, words++) {
    long value;
    if (!fp_number(strchr(words[0], '=') + 1, &value)) return false;
    if (strncmp(words[0], "flag=", 5) && strncmp(words[0], "length=", 7) &&
        strncmp(words[0], "first=", 6))
      return false;
  }
  fits = fp_reply(&scratch, n, words) == NULL;
  fp_free_bytes(&scratch);
  return fits;
}

static bool pairs_fit(int n, char **words) {
  int i;
  for (i = 0; i < n; i++)
    if (words[i][0] != '!' && strchr(words[i] + 1, '=') == NULL) return false;
  return true;
}

static bool settings_fit(int n, char **words) {
  fp_options scratch;
  memset(&scratch, 0, sizeof scratch);
  return fp_parse_settings(words, n, &scratch) == NULL;
}

static bool word_fits(char type, const char *word) {
  long n;
  uint32_t code;
  switch (type) {
    case 'n': return fp_number(word, &n);
    case 'h': return fp_from_hex(NULL, word);
    case 'c': return fp_error_code(word, &code);
    default: return true;
  }
}

/* `arguments`: n number, h hex, c error code, w word, each for one word and
** optional when followed by `?`; P name=value ..., S settings, M a message,
** for all the words that are left.
*/
static bool fp_step_fits(const char *arguments, int n, char **words) {
  for (; *arguments; arguments++) {
    bool optional = arguments[1] == '?';
    if (*arguments == 'P') return pairs_fit(n, words);
    if (*arguments == 'S') return settings_fit(n, words);
    if (*arguments == 'M') return message_fits(n, words);
    if (n == 0 && !optional) return false;
    if (n > 0) {
      if (!word_fits(*arguments, words[0])) return false;
      n--, words++;
    }
    if (optional) arguments++;
  }
  return n == 0;
}

static const char *complain(const char *what, const char *word) {
  static fp_bytes text;
  text.length = 0;
  fp_add_text(&text, what);
  fp_add_text(&text, word);
  fp_add(&text, "", 1);
  return (const char *)text.data;
}

static const char *parse_step(char **words, int n, bool stream, fp_step *out) {
  out->kind = find_kind(words[0]);
  if (out->kind == NULL) return complain("unknown step ", words[0]);
  if (out->kind->stream && !stream)
    return complain("only a stream has the step ", words[0]);
  if (!fp_step_fits(out->kind->arguments, n - 1, words + 1))
    return complain("wrong words after the step ", words[0]);
  out->count = n - 1;
  out->words = words + 1;
  return NULL;
}

const char *fp_parse_script(char **words, int n, bool stream, fp_script *out) {
  int from = 0, i;
  out->count = 0;
  out->steps = fp_alloc((size_t)(n + 1) * sizeof *out->steps);
  for (i = 0; i <= n; i++) {
    const char *wrong;
    if (i < n && strcmp(words[i], ";") != 0) continue;
    if (i > from) {
      wrong = parse_step(words + from, i - from, stream,
                         &out->steps[out->count]);
      if (wrong) return wrong;
      out->count++;
    }
    from = i + 1;
  }
  return NULL;
}

void fp_begin(fp_run *r, const fp_script *s, fp_conn *c, fp_stream *st) {
  memset(r, 0, sizeof *r);
  r->script = s;
  r->conn = c;
  r->stream = st;
}

bool fp_advance(fp_run *r) {
  bool any = false;
  while (r->script && r->at < r->script->count) {
    const fp_step *step = &r->script->steps[r->at];
    fp_result result;
    if (r->conn->fate != FP_STAY || (r->stream && r->stream->closed)) break;
    result = step->kind->run(r, step->count, step->words);
    r->entered = true;
    /* Frames leave in the order of the steps, not of nghttp2's queues. */
    fp_session_output(r->conn);
    if (result == FP_WAIT) return any;
    any = true;
    r->at = result == FP_STOP ? r->script->count : r->at + 1;
    r->entered = r->released = false;
  }
  return any;
}

/* ---- options of a connection ---- */

const char *fp_parse_settings(char **words, int n, fp_options *out) {
  static const struct {
    const char *name;
    int id;
  } names[] = {{"header-table", 1}, {"push", 2},       {"max-streams", 3},
               {"window", 4},       {"frame-size", 5}, {"header-list", 6}};
  int i;
  for (i = 0; i < n; i++) {
    const char *value = strchr(words[i], '=');
    size_t k, length = value ? (size_t)(value - words[i]) : 0;
    long number;
    if (value == NULL || !fp_number(value + 1, &number))
      return complain("not a setting: ", words[i]);
    for (k = 0; k < sizeof names / sizeof names[0]; k++)
      if (strlen(names[k].name) == length &&
          strncmp(words[i], names[k].name, length) == 0)
        break;
    if (k == sizeof names / sizeof names[0])
      return complain("unknown setting ", words[i]);
    if (out->n_settings == sizeof out->settings / sizeof out->settings[0])
      return "too many settings";
    out->settings[out->n_settings].settings_id = names[k].id;
    out->settings[out->n_settings++].value = (uint32_t)number;
  }
  return NULL;
}

static bool flag_option(const char *word, fp_options *out) {
  const struct {
    const char *name;
    bool *flag;
  } flags[] = {{"no-settings", &out->no_settings},
               {"no-settings-ack", &out->no_settings_ack},
               {"no-ping-ack", &out->no_ping_ack},
               {"no-window-update", &out->no_window_update},
               {"raw", &out->raw},
               {"mute", &out->mute},
               {"cut-abort", &out->cut_abort}};
  size_t i;
  for (i = 0; i < sizeof flags / sizeof flags[0]; i++)
    if (strcmp(word, flags[i].name) == 0) return *flags[i].flag = true;
  return false;
}

static const char *conn_option(char **words, fp_options *out) {
  const char *word = words[0];
  if (flag_option(word, out)) return NULL;
  if (strncmp(word, "cut-sent=", 9) == 0)
    return fp_number(word + 9, &out->cut_sent) ? NULL : "cut-sent=BYTES";
  if (strncmp(word, "cut-received=", 13) == 0)
    return fp_number(word + 13, &out->cut_received) ? NULL
                                                    : "cut-received=BYTES";
  if (strncmp(word, "slow=", 5) == 0) {
    char *copy = fp_copy(word + 5), *slash = strchr(copy, '/');
    bool good = false;
    if (slash) {
      *slash = 0;
      good = fp_number(copy, &out->slow_bytes) && out->slow_bytes > 0 &&
             fp_number(slash + 1, &out->slow_ms);
    }
    free(copy);
    return good ? NULL : "slow=BYTES/MILLISECONDS";
  }
  return fp_parse_settings(words, 1, out);
}

/* ---- rules ---- */

static void append(fp_rule **list, fp_rule *rule) {
  while (*list) list = &(*list)->next;
  *list = rule;
}

static fp_rule *new_rule(char ***words, int *n) {
  fp_rule *rule = fp_alloc(sizeof *rule);
  rule->left = FP_FOREVER;
  rule->options.cut_sent = rule->options.cut_received = FP_FOREVER;
  if (*n > 0 && fp_number((*words)[0], &rule->left)) (*n)--, (*words)++;
  return rule;
}

/* conn [N] [OPTION ...] [: STEP; ...] */
const char *fp_parse_conn(char **words, int n) {
  fp_rule *rule = new_rule(&words, &n);
  const char *wrong = NULL;
  for (; n > 0 && strcmp(words[0], ":") != 0; n--, words++)
    if ((wrong = conn_option(words, &rule->options)) != NULL) return wrong;
  if (n > 0)
    wrong = fp_parse_script(words + 1, n - 1, false, &rule->script);
  if (wrong == NULL) append(&conn_rules, rule);
  return wrong;
}

/* call [N] [METHOD] [early] : STEP; ... */
const char *fp_parse_call(char **words, int n) {
  fp_rule *rule = new_rule(&words, &n);
  const char *wrong;
  for (; n > 0 && strcmp(words[0], ":") != 0; n--, words++) {
    if (strcmp(words[0], "early") == 0)
      rule->early = true;
    else if (rule->method == NULL)
      rule->method = words[0];
    else
      return complain("what is this: ", words[0]);
  }
  if (n == 0) return "call [N] [METHOD] [early] : STEP; ...";
  wrong = fp_parse_script(words + 1, n - 1, true, &rule->script);
  if (wrong == NULL) append(&call_rules, rule);
  return wrong;
}

/* Streams and connections that run their steps keep them. */
void fp_forget_rules(void) { conn_rules = call_rules = NULL; }

static fp_rule *next_rule(fp_rule *list, const char *method) {
  for (; list; list = list->next) {
    if (list->left == 0) continue;
    if (method && list->method && strcmp(method, list->method) != 0) continue;
    if (list->left > 0) list->left--;
    return list;
  }
  return NULL;
}

fp_rule *fp_conn_rule(void) {
  static fp_rule usual;
  fp_rule *rule = next_rule(conn_rules, NULL);
  usual.options.cut_sent = usual.options.cut_received = FP_FOREVER;
  return rule ? rule : &usual;
}

static fp_rule *usual_call(const char *method) {
  static const struct {
    const char *method, *script;
  } usual[] = {
    {"StartWorkflowExecution", ": answer started"},
    {"GetWorkflowExecutionHistory", ": await; answer completed"},
    {NULL, ": answer none"}};
  static fp_rule rules[3];
  size_t i = 0;
  while (usual[i].method && strcmp(usual[i].method, method) != 0) i++;
  if (rules[i].script.steps == NULL) {
    int n;
    char **words = fp_words(usual[i].script, &n);
    fp_parse_script(words + 1, n - 1, true, &rules[i].script);
  }
  return &rules[i];
}

fp_rule *fp_call_rule(const char *method) {
  fp_rule *rule = next_rule(call_rules, method);
  return rule ? rule : usual_call(method);
}
