--- What activity code calls: see temporal.activity.api, which is loaded by the first
-- use of it.
-- @module temporal.activity

return require "temporal.base.lazy" "temporal.activity.api"
