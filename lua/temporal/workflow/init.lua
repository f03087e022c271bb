--- What workflow code calls: see temporal.workflow.api, which is loaded by the first
-- use of it.
-- @module temporal.workflow

return require "temporal.base.lazy" "temporal.workflow.api"
